// util.xml: elements as a map. Repeated elements become a list, attributes members, text beside them "content"; text
// that reads as a number, a boolean or null becomes one. No entity but XML's own is ever expanded.
// https://docs.aws.amazon.com/appsync/latest/devguide/xml-helpers-in-util-xml-js.html
const ENTITIES = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const DEEPEST_XML = 200;

function decoded(string) {
  if (!string.includes('&')) return string;
  const parts = string.split('&');
  let out = parts[0];
  for (let i = 1; i < parts.length; i++) {
    const end = parts[i].indexOf(';');
    const name = end < 0 ? '' : parts[i].slice(0, end);
    if (ENTITIES[name] !== undefined) out += ENTITIES[name] + parts[i].slice(end + 1);
    else if (apply(nativeTest, /^#(?:\d{1,7}|x[0-9a-fA-F]{1,6})$/, [name])) {
      const code = name[1] === 'x' ? parseInt(name.slice(2), 16) : +name.slice(1);
      out += (code > 0 && code <= 0x10ffff ? nativeFromCodePoint(code) : '') + parts[i].slice(end + 1);
    } else out += `&${parts[i]}`;
  }
  return out;
}
function xmlValue(string) {
  if (string === 'true') return true;
  if (string === 'false') return false;
  if (string === 'null') return null;
  if (apply(nativeTest, /^-?(?:0|[1-9]\d{0,15})(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$/, [string])) {
    const value = +string;
    if (value === value && value - value === 0) return value;
  }
  return string;
}
function addMember(map, name, value) {
  if (!Object.hasOwn(map, name)) defineProperty(map, name, { value, writable: true, enumerable: true, configurable: true });
  else if (isArray(map[name])) map[name].push(value);
  else map[name] = [map[name], value];
}
function readXml(source, caller) {
  let at = 0;
  const name = /[^\s=\/>'"<]+/y;
  const blank = /\s*/y;
  const fail = (why) => misuse(`${caller}: ${why} at character ${at}`);
  const taken = (pattern) => {
    pattern.lastIndex = at;
    const match = apply(nativeExec, pattern, [source]);
    if (match) at += match[0].length;
    return match ? match[0] : '';
  };
  const past = (mark, what) => {
    const end = source.indexOf(mark, at);
    if (end < 0) fail(`${what} is not closed`);
    const inner = source.slice(at, end);
    at = end + mark.length;
    return inner;
  };
  // Comments, instructions and the document type; a CDATA section is returned.
  const skipped = () => {
    if (source.startsWith('<!--', at)) past('-->', 'a comment');
    else if (source.startsWith('<?', at)) past('?>', 'an instruction');
    else if (source.startsWith('<![CDATA[', at)) {
      at += 9;
      return past(']]>', 'a CDATA section');
    } else {
      const bracket = source.indexOf('[', at);
      const end = source.indexOf('>', at);
      if (bracket >= 0 && bracket < end) {
        past(']', 'the document type');
        taken(blank);
      }
      past('>', 'the document type');
    }
    return null;
  };
  const attributes = (map) => {
    for (;;) {
      taken(blank);
      if (source[at] === '>' || source[at] === '/' || at >= source.length) return;
      const key = taken(name);
      if (!key) fail('an attribute has no name');
      taken(blank);
      if (source[at] !== '=') {
        addMember(map, key, '');
        continue;
      }
      at += 1;
      taken(blank);
      const quote = source[at];
      if (quote !== '"' && quote !== "'") fail('an attribute has no quotes');
      at += 1;
      addMember(map, key, xmlValue(decoded(past(quote, 'an attribute'))));
    }
  };
  const element = (into, depth) => {
    if (depth > DEEPEST_XML) fail(`more than ${DEEPEST_XML} levels`);
    at += 1;
    const tag = taken(name);
    if (!tag) fail('an element has no name');
    const map = {};
    attributes(map);
    if (source[at] === '/') {
      at += 1;
      if (source[at] !== '>') fail('> expected');
      at += 1;
      addMember(into, tag, keys(map).length ? map : '');
      return;
    }
    if (source[at] !== '>') fail('> expected');
    at += 1;
    const texts = [];
    for (;;) {
      const next = source.indexOf('<', at);
      if (next < 0) fail(`<${tag}> is not closed`);
      const words = source.slice(at, next).trim();
      if (words) texts.push(xmlValue(decoded(words)));
      at = next;
      if (source.startsWith('</', at)) {
        at += 2;
        if (taken(name) !== tag) fail(`</${tag}> expected`);
        taken(blank);
        if (source[at] !== '>') fail('> expected');
        at += 1;
        break;
      }
      if (source[at + 1] === '!' || source[at + 1] === '?') {
        const section = skipped();
        if (section !== null && section !== '') texts.push(section);
      } else element(map, depth + 1);
    }
    for (const each of texts) addMember(map, 'content', each);
    const names = keys(map);
    addMember(into, tag, names.length === 0 ? '' : names.length === 1 && texts.length === 1 ? map.content : map);
  };
  const into = {};
  for (;;) {
    taken(blank);
    if (at >= source.length) return into;
    if (source[at] !== '<') fail('text outside of elements');
    if (source[at + 1] === '!' || source[at + 1] === '?') skipped();
    else element(into, 1);
  }
}
function xmlMap(value, name) {
  if (value === null || value === undefined) return null;
  return readXml(text(value, name), name);
}
util.xml = {
  toMap: (value) => xmlMap(value, 'util.xml.toMap'),
  toJsonString: (value, encode) => {
    const string = stringify(xmlMap(value, 'util.xml.toJsonString'));
    return encode === true ? stringify(string) : string;
  },
};
