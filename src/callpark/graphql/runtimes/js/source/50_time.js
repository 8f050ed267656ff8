// util.time: Java DateTimeFormatter patterns over the host's clock. Named zones need a zone database, which the engine
// lacks: they are refused by name.
// https://docs.aws.amazon.com/appsync/latest/devguide/time-helpers-in-util-time-js.html
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

function zoneMinutes(zone) {
  if (zone === undefined || zone === null || zone === 'UTC' || zone === 'GMT' || zone === 'Z') return 0;
  const match = apply(nativeExec, /^(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?$/, [`${zone}`]);
  if (!match) misuse(`util.time: zone '${zone}': callpark knows UTC and offsets such as +08:00`);
  return (match[1] === '-' ? -1 : 1) * (+match[2] * 60 + +(match[3] || 0));
}
function pad(value, width) {
  return `${value}`.padStart(width, '0');
}
function offsetText(minutes, letter, count) {
  if (minutes === 0 && letter === 'X') return 'Z';
  if (minutes === 0 && letter === 'Z' && count === 5) return 'Z';
  const sign = minutes < 0 ? '-' : '+';
  const size = minutes < 0 ? -minutes : minutes;
  const hours = pad(floor(size / 60), 2);
  const rest = pad(size % 60, 2);
  if (letter === 'Z') return count === 4 ? `GMT${sign}${hours}:${rest}` : `${sign}${hours}${count === 5 ? ':' : ''}${rest}`;
  if (count === 1) return sign + hours + (rest === '00' ? '' : rest);
  return sign + hours + (count === 2 || count === 4 ? '' : ':') + rest;
}
// A pattern as a list of {letter, count}, {literal} and {optional: [...]}.
function readPattern(pattern) {
  const stack = [[]];
  for (let i = 0; i < pattern.length; i++) {
    const each = pattern[i];
    const top = stack[stack.length - 1];
    if (each === "'") {
      let literal = '';
      for (i++; i < pattern.length; i++) {
        if (pattern[i] !== "'") literal += pattern[i];
        else if (pattern[i + 1] === "'") literal += pattern[i++];
        else break;
      }
      top.push({ literal: literal || "'" });
    } else if (each === '[') stack.push([]);
    else if (each === ']') {
      const optionalPart = stack.pop();
      if (!stack.length) misuse(`util.time: pattern '${pattern}' has a lone ]`);
      stack[stack.length - 1].push({ optional: optionalPart });
    } else if (apply(nativeTest, /[A-Za-z]/, [each])) {
      let count = 1;
      while (pattern[i + 1] === each) {
        count++;
        i++;
      }
      top.push({ letter: each, count });
    } else top.push({ literal: each });
  }
  while (stack.length > 1) {
    const optionalPart = stack.pop();
    stack[stack.length - 1].push({ optional: optionalPart });
  }
  return stack[0];
}
function formatParts(parts, date, minutes, milliseconds) {
  let out = '';
  for (const part of parts) {
    if (part.literal !== undefined) out += part.literal;
    else if (part.optional) out += formatParts(part.optional, date, minutes, milliseconds);
    else out += formatField(part.letter, part.count, date, minutes);
  }
  return out;
}
function formatField(letter, count, date, minutes) {
  switch (letter) {
    case 'y': case 'u':
      return count === 2 ? pad(date.getUTCFullYear() % 100, 2) : pad(date.getUTCFullYear(), count);
    case 'M': case 'L': {
      const month = date.getUTCMonth();
      if (count === 3) return MONTHS[month].slice(0, 3);
      return count > 3 ? MONTHS[month] : pad(month + 1, count);
    }
    case 'd': return pad(date.getUTCDate(), count);
    case 'H': return pad(date.getUTCHours(), count);
    case 'h': return pad(date.getUTCHours() % 12 || 12, count);
    case 'm': return pad(date.getUTCMinutes(), count);
    case 's': return pad(date.getUTCSeconds(), count);
    case 'S': return pad(date.getUTCMilliseconds(), 3).padEnd(count, '0').slice(0, count);
    case 'a': return date.getUTCHours() < 12 ? 'AM' : 'PM';
    case 'E': return count > 3 ? DAYS[date.getUTCDay()] : DAYS[date.getUTCDay()].slice(0, 3);
    case 'X': case 'x': case 'Z': return offsetText(minutes, letter, count);
    case 'V': case 'z': return minutes === 0 ? 'UTC' : offsetText(minutes, 'x', 3);
    default: return misuse(`util.time: pattern letter '${letter}' is not supported`);
  }
}
function format(milliseconds, pattern, zone) {
  if (typeof milliseconds !== 'number') misuse('util.time expects epoch milliseconds as a number');
  const minutes = zoneMinutes(zone);
  return formatParts(readPattern(text(pattern, 'util.time')), new NativeDate(milliseconds + minutes * 60000), minutes);
}
function parseParts(parts, string, at, found) {
  for (const part of parts) {
    if (part.literal !== undefined) {
      if (string.slice(at, at + part.literal.length) !== part.literal) return -1;
      at += part.literal.length;
    } else if (part.optional) {
      const after = parseParts(part.optional, string, at, found);
      if (after >= 0) at = after;
    } else {
      at = parseField(part.letter, part.count, string, at, found);
      if (at < 0) return -1;
    }
  }
  return at;
}
function parseField(letter, count, string, at, found) {
  const rest = string.slice(at);
  if ('Xx'.includes(letter) || letter === 'Z') {
    const match = apply(nativeExec, /^(?:(Z)|(?:GMT)?([+-])(\d{2})(?::?(\d{2}))?)/, [rest]);
    if (!match) return -1;
    found.offset = match[1] ? 0 : (match[2] === '-' ? -1 : 1) * (+match[3] * 60 + +(match[4] || 0));
    return at + match[0].length;
  }
  if ('ML'.includes(letter) && count > 2) {
    for (let month = 0; month < 12; month++) {
      const name = count === 3 ? MONTHS[month].slice(0, 3) : MONTHS[month];
      if (rest.startsWith(name)) {
        found.M = month + 1;
        return at + name.length;
      }
    }
    return -1;
  }
  if (letter === 'E') {
    const match = apply(nativeExec, /^[A-Z][a-z]+/, [rest]);
    return match ? at + match[0].length : -1;
  }
  if (letter === 'a') {
    const half = rest.slice(0, 2).toUpperCase();
    if (half !== 'AM' && half !== 'PM') return -1;
    found.a = half;
    return at + 2;
  }
  if (!'yuMLdHhmsS'.includes(letter)) misuse(`util.time: pattern letter '${letter}' is not supported`);
  const widest = count === 1 ? 19 : letter === 'y' || letter === 'u' ? (count === 2 ? 2 : 9) : count;
  const match = apply(nativeExec, new NativeRegExp(`^\\d{${count},${widest}}`), [rest]);
  if (!match) return -1;
  const key = letter === 'u' ? 'y' : letter === 'L' ? 'M' : letter;
  found[key] = letter === 'S' ? +match[0].padEnd(3, '0').slice(0, 3) : +match[0];
  if (key === 'y' && count === 2) found.y += 2000;
  return at + match[0].length;
}
function parseFormatted(string, pattern, zone) {
  const found = { y: 1970, M: 1, d: 1, m: 0, s: 0, S: 0 };
  const at = parseParts(readPattern(text(pattern, 'util.time')), text(string, 'util.time'), 0, found);
  if (at !== string.length) misuse(`util.time: '${string}' does not match the pattern '${pattern}'`);
  const hours = found.H !== undefined ? found.H : (found.h || 0) % 12 + (found.a === 'PM' ? 12 : 0);
  const minutes = found.offset !== undefined ? found.offset : zoneMinutes(zone);
  return NativeDate.UTC(found.y, found.M - 1, found.d, hours, found.m, found.s, found.S) - minutes * 60000;
}
util.time = {
  nowISO8601: () => new NativeDate(host.now).toISOString(),
  nowEpochSeconds: () => floor(host.now / 1000),
  nowEpochMilliSeconds: () => host.now,
  nowFormatted: (pattern, zone) => format(host.now, pattern, zone),
  parseFormattedToEpochMilliSeconds: parseFormatted,
  parseISO8601ToEpochMilliSeconds: (string) => {
    const milliseconds = NativeDate.parse(text(string, 'util.time'));
    return milliseconds === milliseconds ? milliseconds : misuse(`util.time: '${string}' is not an ISO 8601 instant`);
  },
  epochMilliSecondsToSeconds: (milliseconds) => floor(milliseconds / 1000),
  epochMilliSecondsToISO8601: (milliseconds) => new NativeDate(milliseconds).toISOString(),
  epochMilliSecondsToFormatted: (milliseconds, pattern, zone) => format(milliseconds, pattern, zone),
};
