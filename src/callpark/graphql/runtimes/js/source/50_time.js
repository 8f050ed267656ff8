// util.time: java.time.format.DateTimeFormatter patterns over the host's clock. Names are English, weeks those of the
// United States.
// https://docs.aws.amazon.com/appsync/latest/devguide/time-helpers-in-util-time-js.html
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const QUARTERS = ['1st', '2nd', '3rd', '4th'];
const DAY = 86400000;

function pad(value, width) {
  return value < 0 ? `-${padStart(`${-value}`, width, '0')}` : padStart(`${value}`, width, '0');
}
function offsetText(total, letter, count) {
  const size = total < 0 ? -total : total;
  if (size === 0 && (letter === 'X' || (letter === 'Z' && count === 5))) return 'Z';
  const sign = total < 0 ? '-' : '+';
  const hours = pad(floor(size / 3600), 2);
  const minutes = pad(floor(size / 60) % 60, 2);
  const seconds = size % 60 ? pad(size % 60, 2) : '';
  if (letter === 'O' || (letter === 'Z' && count === 4)) {
    if (size === 0) return 'GMT';
    if (letter === 'O' && count === 1) return `GMT${sign}${floor(size / 3600)}${minutes === '00' ? '' : `:${minutes}`}`;
    return `GMT${sign}${hours}:${minutes}${seconds && `:${seconds}`}`;
  }
  if (letter === 'Z') return count === 5 ? `${sign}${hours}:${minutes}${seconds && `:${seconds}`}` : sign + hours + minutes;
  if (count === 1) return sign + hours + (minutes === '00' ? '' : minutes);
  if (count === 2) return sign + hours + minutes;
  if (count === 3) return `${sign}${hours}:${minutes}`;
  return count === 4 ? sign + hours + minutes + seconds : `${sign}${hours}:${minutes}${seconds && `:${seconds}`}`;
}
// A pattern as a list of {letter, count}, {literal} and {optional: [...]}.
const knownFormats = new Map();
function readPattern(pattern) {
  return remembered(knownFormats, pattern, () => readParts(pattern));
}
function readParts(pattern) {
  const stack = [[]];
  for (let i = 0; i < pattern.length; i++) {
    const each = pattern[i];
    const top = stack[stack.length - 1];
    if (each === "'") {
      let quoted = '';
      for (i++; i < pattern.length; i++) {
        if (pattern[i] !== "'") quoted += pattern[i];
        else if (pattern[i + 1] === "'") quoted += pattern[i++];
        else break;
      }
      if (i >= pattern.length) misuse(`util.time: Pattern ends with an incomplete string literal: ${pattern}`);
      top.push({ literal: quoted || "'" });
    } else if (each === '[') stack.push([]);
    else if (each === ']') {
      const optionalPart = stack.pop();
      if (!stack.length) misuse('util.time: Pattern invalid as it contains ] without previous [');
      stack[stack.length - 1].push({ optional: optionalPart });
    } else if ('{}#'.includes(each)) misuse(`util.time: Pattern includes reserved character: '${each}'`);
    else if (apply(nativeTest, /[A-Za-z]/, [each])) {
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
function named(names, index, count) {
  return count === 5 ? names[index][0] : count === 4 ? names[index] : names[index].slice(0, 3);
}
// The week-based year and its week: weeks begin on Sunday, the first is the one with 1 January.
function weekOf(date) {
  const year = date.getUTCFullYear();
  const firstSunday = (of) => {
    const first = NativeDate.UTC(of, 0, 1);
    return first - new NativeDate(first).getUTCDay() * DAY;
  };
  const at = date.getTime();
  const based = at >= firstSunday(year + 1) ? year + 1 : year;
  return { year: based, week: floor((at - firstSunday(based)) / (7 * DAY)) + 1 };
}
function formatParts(parts, date, zone) {
  let out = '';
  for (const part of parts) {
    if (part.literal !== undefined) out += part.literal;
    else if (part.optional) out += formatParts(part.optional, date, zone);
    else out += formatField(part.letter, part.count, date, zone);
  }
  return out;
}
function formatField(letter, count, date, zone) {
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  const millisOfDay = ((date.getTime() % DAY) + DAY) % DAY;
  switch (letter) {
    case 'G': return count < 4 ? (year > 0 ? 'AD' : 'BC') : count === 4 ? (year > 0 ? 'Anno Domini' : 'Before Christ') : year > 0 ? 'A' : 'B';
    case 'u': return count === 2 ? pad(((year % 100) + 100) % 100, 2) : pad(year, count);
    case 'y': {
      const era = year > 0 ? year : 1 - year;
      return count === 2 ? pad(era % 100, 2) : pad(era, count);
    }
    case 'Y': return count === 2 ? pad(weekOf(date).year % 100, 2) : pad(weekOf(date).year, count);
    case 'w': return pad(weekOf(date).week, count);
    case 'W': return `${floor((date.getUTCDate() - 1 + new NativeDate(NativeDate.UTC(year, month, 1)).getUTCDay()) / 7) + 1}`;
    case 'D': return pad(floor((NativeDate.UTC(year, month, date.getUTCDate()) - NativeDate.UTC(year, 0, 1)) / DAY) + 1, count);
    case 'M': case 'L': return count > 2 ? named(MONTHS, month, count) : pad(month + 1, count);
    case 'Q': case 'q': {
      const quarter = floor(month / 3);
      return count < 3 ? pad(quarter + 1, count) : count === 3 ? `Q${quarter + 1}` : `${QUARTERS[quarter]} quarter`;
    }
    case 'd': return pad(date.getUTCDate(), count);
    case 'E': return named(DAYS, date.getUTCDay(), count < 4 ? 3 : count);
    case 'e': case 'c': return count < 3 ? pad(date.getUTCDay() + 1, count) : named(DAYS, date.getUTCDay(), count);
    case 'a': return date.getUTCHours() < 12 ? 'AM' : 'PM';
    case 'H': return pad(date.getUTCHours(), count);
    case 'k': return pad(date.getUTCHours() || 24, count);
    case 'K': return pad(date.getUTCHours() % 12, count);
    case 'h': return pad(date.getUTCHours() % 12 || 12, count);
    case 'm': return pad(date.getUTCMinutes(), count);
    case 's': return pad(date.getUTCSeconds(), count);
    case 'S': return padEnd(pad(date.getUTCMilliseconds(), 3), count, '0').slice(0, count);
    case 'A': return pad(millisOfDay, count);
    case 'n': return pad(date.getUTCMilliseconds() * 1000000, count);
    case 'N': return pad(millisOfDay * 1000000, count);
    case 'X': case 'x': case 'Z': case 'O': return offsetText(zone.seconds, letter, count);
    case 'V': return count === 2 ? zone.id : misuse('util.time: Pattern letter count must be 2: V');
    case 'z': return count < 4 ? zone.name : misuse('util.time: full names of time zones (zzzz) are not supported by callpark');
    default: return misuse(`util.time: Unknown pattern letter: ${letter}`);
  }
}
const FARTHEST = 8.64e15 - 2 * DAY;
function instant(milliseconds) {
  number(milliseconds, 'util.time');
  if (!(milliseconds >= -FARTHEST && milliseconds <= FARTHEST)) misuse('util.time expects epoch milliseconds within the years ±270,000');
  return milliseconds;
}
function format(milliseconds, pattern, zone) {
  const at = zoneOf(zone)(instant(milliseconds));
  return formatParts(readPattern(text(pattern, 'util.time')), new NativeDate(milliseconds + at.seconds * 1000), at);
}
function parseParts(parts, string, at, found) {
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (part.literal !== undefined) {
      if (string.slice(at, at + part.literal.length) !== part.literal) return -1 - at;
      at += part.literal.length;
    } else if (part.optional) {
      const tried = { ...found };
      const after = parseParts(part.optional, string, at, tried);
      if (after >= 0) {
        at = after;
        for (const name of keys(tried)) found[name] = tried[name];
      }
    } else {
      const next = parts[i + 1];
      const after = parseField(part.letter, part.count, string, at, found, next !== undefined && next.letter !== undefined);
      if (after < 0) return -1 - at;
      at = after;
    }
  }
  return at;
}
function parseName(names, count, rest) {
  for (let i = 0; i < names.length; i++) {
    const name = count >= 4 ? names[i] : names[i].slice(0, 3);
    if (rest.startsWith(name)) return [i, name.length];
  }
  return null;
}
const OFFSETS = /^(?:(Z)|(?:GMT)?([+-])(\d{2})(?::?(\d{2})(?::?(\d{2}))?)?)/;
const NUMBERS = 'yuYMLdDHhKkmsSAnN';
function parseField(letter, count, string, at, found, adjacent) {
  const rest = string.slice(at, at + 64);
  if ('XxZO'.includes(letter)) {
    const match = apply(nativeExec, letter === 'O' ? /^GMT(?:()([+-])(\d{1,2})(?::(\d{2}))?)?/ : OFFSETS, [rest]);
    if (!match) return -1;
    found.offset = match[2] === undefined ? 0 : (match[2] === '-' ? -1 : 1) * (+match[3] * 3600 + +(match[4] || 0) * 60 + +(match[5] || 0));
    return at + match[0].length;
  }
  if (letter === 'V' || letter === 'z') {
    const match = apply(nativeExec, /^[A-Za-z][A-Za-z0-9_+\-]*(?:\/[A-Za-z0-9_+\-]+)*|^[+-]\d{2}:?\d{2}/, [rest]);
    if (!match) return -1;
    found.zone = match[0];
    return at + match[0].length;
  }
  if ('MLEec'.includes(letter) && count > 2 || letter === 'E') {
    const month = letter === 'M' || letter === 'L';
    const match = parseName(month ? MONTHS : DAYS, count, rest);
    if (match === null) return -1;
    if (month) found.M = match[0] + 1;
    return at + match[1];
  }
  if (letter === 'a') {
    const half = rest.slice(0, 2).toUpperCase();
    if (half !== 'AM' && half !== 'PM') return -1;
    found.a = half;
    return at + 2;
  }
  if (letter === 'G') {
    const era = apply(nativeExec, /^(?:AD|BC)/, [rest]);
    if (!era) return -1;
    found.era = era[0];
    return at + 2;
  }
  if (!NUMBERS.includes(letter)) misuse(`util.time: pattern letter '${letter}' cannot be parsed`);
  const free = count === 1 || ('yuY'.includes(letter) && count !== 2 && !adjacent);
  const match = apply(nativeExec, new NativeRegExp(`^\\d{${count},${free ? 19 : count}}`), [rest]);
  if (!match) return -1;
  const key = letter === 'u' || letter === 'Y' ? 'y' : letter === 'L' ? 'M' : letter;
  found[key] = letter === 'S' ? floor(+`0.${match[0]}` * 1000 + 1e-9) : +match[0];
  if (key === 'y' && count === 2) found.y += 2000;
  return at + match[0].length;
}
const RANGES = { M: [1, 12], d: [1, 31], D: [1, 366], H: [0, 23], h: [1, 12], K: [0, 11], k: [1, 24], m: [0, 59], s: [0, 59] };
function hoursOf(found) {
  if (found.H !== undefined) return found.H;
  if (found.k !== undefined) return found.k % 24;
  const half = found.h !== undefined ? found.h % 12 : found.K || 0;
  return half + (found.a === 'PM' ? 12 : 0);
}
function parseFormatted(string, pattern, zone) {
  const found = {};
  text(string, 'util.time');
  const at = parseParts(readPattern(text(pattern, 'util.time')), string, 0, found);
  if (at < 0) misuse(`util.time: '${string}' does not match the pattern '${pattern}' at index ${-1 - at}`);
  if (at !== string.length) misuse(`util.time: '${string}' does not match the pattern '${pattern}', unparsed text found at index ${at}`);
  for (const name of keys(RANGES)) {
    if (found[name] !== undefined && (found[name] < RANGES[name][0] || found[name] > RANGES[name][1])) {
      misuse(`util.time: '${string}' does not match the pattern '${pattern}': Invalid value for ${name}: ${found[name]}`);
    }
  }
  let year = found.y === undefined ? 1970 : found.y;
  if (found.era === 'BC') year = 1 - year;
  const month = found.M === undefined ? 1 : found.M;
  const longest = new NativeDate(NativeDate.UTC(2000, month, 0)).getUTCDate() - (month === 2 && (year % 4 || (year % 100 === 0 && year % 400)) ? 1 : 0);
  const day = found.d === undefined ? 1 : found.d > longest ? longest : found.d;
  const date = new NativeDate(0);
  date.setUTCFullYear(year, found.D === undefined ? month - 1 : 0, found.D === undefined ? day : found.D);
  const millis = found.A !== undefined ? found.A : found.N !== undefined ? floor(found.N / 1000000)
    : ((hoursOf(found) * 60 + (found.m || 0)) * 60 + (found.s || 0)) * 1000 + (found.S || (found.n ? floor(found.n / 1000000) : 0));
  const local = instant(date.getTime() + millis);
  if (found.offset !== undefined) return local - found.offset * 1000;
  return fromLocal(local, zoneOf(found.zone !== undefined ? found.zone : zone));
}
const ISO = /^(\d{4}-\d{2}-\d{2})(?:(T\d{2}:\d{2})(:\d{2})?([.,]\d{1,9})?(Z|([+-])(\d{2})(?::?(\d{2}))?)?)?$/;
util.time = {
  nowISO8601: () => new NativeDate(host.now).toISOString(),
  nowEpochSeconds: () => floor(host.now / 1000),
  nowEpochMilliSeconds: () => host.now,
  nowFormatted: (pattern, zone) => format(host.now, pattern, zone),
  parseFormattedToEpochMilliSeconds: parseFormatted,
  parseISO8601ToEpochMilliSeconds: (string) => {
    const match = apply(nativeExec, ISO, [text(string, 'util.time')]);
    if (!match) misuse(`util.time: '${string}' is not an ISO 8601 instant`);
    const [, date, hours = 'T00:00', seconds = ':00', fraction = '', zone = 'Z', sign, zoneHours, zoneMinutes = '00'] = match;
    const milliseconds = NativeDate.parse(`${date}${hours}${seconds}${padEnd(fraction.slice(1, 4), 3, '0') && `.${padEnd(fraction.slice(1, 4), 3, '0')}`}${zone === 'Z' ? 'Z' : `${sign}${zoneHours}:${zoneMinutes}`}`);
    return milliseconds === milliseconds ? milliseconds : misuse(`util.time: '${string}' is not an ISO 8601 instant`);
  },
  epochMilliSecondsToSeconds: (milliseconds) => floor(instant(milliseconds) / 1000),
  epochMilliSecondsToISO8601: (milliseconds) => new NativeDate(instant(milliseconds)).toISOString(),
  epochMilliSecondsToFormatted: (milliseconds, pattern, zone) => format(milliseconds, pattern, zone),
};
