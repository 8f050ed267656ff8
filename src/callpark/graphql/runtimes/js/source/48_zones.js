// Time zones: offsets are read here; named zones come from the host, on demand. An evaluation that meets a zone the
// context does not know yet ends with its name; the host hands the zone in and evaluates again from the same inputs.
const NO_ZONE = ['UTC', 'GMT', 'UT', 'Z'];
const zones = {}; // id → {since: [ms], seconds: [...], names: [...]}; the first period has no beginning

// A zone as a function of UTC milliseconds: {seconds, name, id}.
function zoneOf(zone) {
  if (zone === undefined || zone === null) return () => ({ seconds: 0, name: 'UTC', id: 'Z' });
  const id = text(zone, 'util.time');
  if (NO_ZONE.includes(id)) return () => ({ seconds: 0, name: id, id });
  const match = apply(nativeExec, /^(UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2})(?::?(\d{2}))?)?$/, [id]);
  if (match) {
    const size = +match[3] * 3600 + +(match[4] || 0) * 60 + +(match[5] || 0);
    if (size > 64800) misuse(`util.time: Zone offset not in valid range: -18:00 to +18:00`);
    const seconds = match[2] === '-' ? -size : size;
    return () => ({ seconds, name: id, id });
  }
  const known = has(zones, id) ? zones[id] : null;
  if (known === null) {
    pending = { kind: 'zone', zone: id };
    throw pending;
  }
  if (known.missing) misuse(`util.time: Unknown time-zone ID: ${id}`);
  return (milliseconds) => {
    let low = 0;
    let high = known.since.length;
    while (low < high) {
      const middle = floor((low + high) / 2);
      if (known.since[middle] <= milliseconds) low = middle + 1;
      else high = middle;
    }
    return { seconds: known.seconds[low], name: known.names[low], id };
  };
}
// UTC milliseconds of a local time: the earlier offset where clocks go back, the one before where they go forward.
function fromLocal(local, at) {
  const day = 86400000;
  const before = at(local - day).seconds;
  for (const seconds of [before, at(local + day).seconds]) {
    if (at(local - seconds * 1000).seconds === seconds) return local - seconds * 1000;
  }
  return local - before * 1000;
}
