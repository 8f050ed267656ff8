// Java's regular expressions as the engine's: patterns come as strings, and mean what java.util.regex.Pattern says.
// https://docs.oracle.com/javase/8/docs/api/java/util/regex/Pattern.html
const POSIX = {
  Lower: 'a-z', Upper: 'A-Z', ASCII: '\\x00-\\x7F', Alpha: 'A-Za-z', Digit: '0-9', Alnum: '0-9A-Za-z',
  Punct: '!-\\/:-@\\[-`\\{-~', Graph: '!-~', Print: '\\x20-~', Blank: ' \\t', Cntrl: '\\x00-\\x1F\\x7F',
  XDigit: '0-9A-Fa-f', Space: ' \\t\\n\\x0B\\f\\r',
};
const SETS = {
  s: ' \\t\\n\\x0B\\f\\r', h: ' \\t\\xA0\\u1680\\u180E\\u2000-\\u200A\\u202F\\u205F\\u3000',
  v: '\\n\\x0B\\f\\r\\x85\\u2028\\u2029',
};
const OUTSIDE = {
  A: '(?<![\\s\\S])', z: '(?![\\s\\S])', Z: '(?=(?:\\r\\n|[\\n\\r\\x85\\u2028\\u2029])?(?![\\s\\S]))',
  R: '(?:\\r\\n|[\\n\\x0B\\f\\r\\x85\\u2028\\u2029])',
};
const SAME = 'wWdDbBtnrf';
const CONTROLS = { a: '\\x07', e: '\\x1B' };
const PROPERTIES = { Alphabetic: 'Alphabetic', Letter: 'L', Digit: 'Nd', Uppercase: 'Uppercase', Lowercase: 'Lowercase', White_Space: 'White_Space', Punctuation: 'P', Ideographic: 'Ideographic' };

function broken(why) {
  throw new NativeError(why);
}
function literal(char) {
  return '^$\\.*+?()[]{}|/-&!#%,:;<=>@`~'.includes(char) ? `\\${char}` : char;
}
// The engine refuses a bare hyphen outside of classes in this mode; codes are always understood.
function outsideLiteral(char) {
  return apply(nativeTest, /[!-\/:-@\[-`{-~]/, [char]) ? `\\x${padStart(codeAt(char, 0).toString(16), 2, '0')}` : char;
}
function property(name, negated) {
  const letter = negated ? 'P' : 'p';
  if (POSIX[name] !== undefined) return `[${negated ? '^' : ''}${POSIX[name]}]`;
  if (name.startsWith('Is')) {
    const bare = name.slice(2);
    if (PROPERTIES[bare] !== undefined) return `\\${letter}{${PROPERTIES[bare]}}`;
    return bare.length <= 2 ? `\\${letter}{${bare}}` : `\\${letter}{Script=${bare}}`;
  }
  if (name.startsWith('In') || name.startsWith('java')) broken(`\\p{${name}} is not supported by callpark`);
  return `\\${letter}{${name}}`;
}
// [text, next index] of the escape at `at`, which is the backslash.
function escape(pattern, at, inside) {
  const char = pattern[at + 1];
  if (char === undefined) broken('Unexpected internal error: a lone backslash ends the pattern');
  if (char === 'p' || char === 'P') {
    const close = pattern[at + 2] === '{' ? pattern.indexOf('}', at) : at + 2;
    if (close < 0 || pattern[at + 2] === undefined) broken('Unclosed character family');
    const name = pattern[at + 2] === '{' ? pattern.slice(at + 3, close) : pattern[at + 2];
    return [property(name, char === 'P'), close + 1];
  }
  const lower = char.toLowerCase();
  if (SETS[lower] !== undefined) return [`[${char === lower ? '' : '^'}${SETS[lower]}]`, at + 2];
  if (SAME.includes(char)) {
    if (inside && (char === 'b' || char === 'B')) broken('Illegal/unsupported escape sequence');
    return [`\\${char}`, at + 2];
  }
  if (CONTROLS[char] !== undefined) return [CONTROLS[char], at + 2];
  if (!inside && OUTSIDE[char] !== undefined) return [OUTSIDE[char], at + 2];
  if (char === 'x' && pattern[at + 2] === '{') {
    const close = pattern.indexOf('}', at);
    return [`\\u{${pattern.slice(at + 3, close)}}`, close + 1];
  }
  if (char === 'x') return [pattern.slice(at, at + 4), at + 4];
  if (char === 'u') return [pattern.slice(at, at + 6), at + 6];
  if (char === 'c') return [pattern.slice(at, at + 3), at + 3];
  if (char === '0') {
    const octal = apply(nativeExec, /^[0-3]?[0-7]{1,2}/, [pattern.slice(at + 2)]);
    if (!octal) broken('Illegal octal escape sequence');
    return [`\\x${padStart(parseInt(octal[0], 8).toString(16), 2, '0')}`, at + 2 + octal[0].length];
  }
  if (!inside && char >= '1' && char <= '9') return [`\\${char}`, at + 2];
  if (!inside && char === 'k') {
    const group = apply(nativeExec, /^<[a-zA-Z][a-zA-Z0-9]*>/, [pattern.slice(at + 2)]);
    if (!group) broken("\\k is not followed by '<' for named capturing group");
    return [`\\k${group[0]}`, at + 2 + group[0].length];
  }
  if (apply(nativeTest, /[A-Za-z]/, [char])) broken(`Illegal/unsupported escape sequence near index ${at + 1}`);
  return [inside ? literal(char) : outsideLiteral(char), at + 2];
}
// A character class, from its bracket; nested classes and && are the same in both languages.
function characterClass(pattern, start) {
  let out = '[';
  let at = start + 1;
  if (pattern[at] === '^') {
    out += '^';
    at += 1;
  }
  let first = true;
  while (at < pattern.length) {
    const char = pattern[at];
    if (char === ']' && !first) return [`${out}]`, at + 1];
    if (char === '[') {
      const [inner, next] = characterClass(pattern, at);
      out += inner;
      at = next;
    } else if (char === '\\') {
      const [inner, next] = escape(pattern, at, true);
      out += inner;
      at = next;
    } else if (char === '&' && pattern[at + 1] === '&') {
      out += '&&';
      at += 2;
      // The engine wants a class on either side, Java takes the rest of the class as one.
      if (pattern[at] !== '[') broken('&& without a class after it is not supported by callpark');
    } else if (char === '-' && !first && pattern[at + 1] !== ']' && pattern[at + 1] !== '[') {
      out += '-';
      at += 1;
    } else {
      out += literal(char);
      at += 1;
    }
    first = false;
  }
  return broken('Unclosed character class');
}
function intersected(text) {
  // [a-z&&[^b]] needs both sides to be classes: [[a-z]&&[^b]]
  const middle = text.indexOf('&&');
  if (middle < 0 || text.startsWith('[[') || text.startsWith('[^')) return text;
  return `[[${text.slice(1, middle)}]${text.slice(middle)}`;
}
function translated(pattern) {
  let out = '';
  let at = 0;
  const opened = [0]; // how many (?flags: to close with each group
  while (at < pattern.length) {
    const char = pattern[at];
    if (pattern.startsWith('\\Q', at)) {
      const close = pattern.indexOf('\\E', at);
      const quoted = pattern.slice(at + 2, close < 0 ? pattern.length : close);
      for (const each of quoted) out += outsideLiteral(each);
      at = close < 0 ? pattern.length : close + 2;
    } else if (char === '\\') {
      const [text, next] = escape(pattern, at, false);
      out += text;
      at = next;
    } else if (char === '[') {
      const [text, next] = characterClass(pattern, at);
      out += intersected(text);
      at = next;
    } else if (char === '(') {
      const flags = apply(nativeExec, /^\(\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])/, [pattern.slice(at, at + 20)]);
      if (pattern.startsWith('(?>', at)) broken('atomic groups are not supported by callpark');
      if (flags && flags[0] !== '(?:') {
        if ((flags[1] + (flags[2] || '')).includes('x')) broken('the flag x is not supported by callpark');
        const kept = (letters) => [...(letters || '')].filter((each) => 'ims'.includes(each)).join('');
        out += `(?${kept(flags[1])}${kept(flags[2]) ? `-${kept(flags[2])}` : ''}:`;
        if (flags[3] === ')') opened[opened.length - 1] += 1;
        else opened.push(0);
        at += flags[0].length;
      } else {
        out += '(';
        opened.push(0);
        at += 1;
        if (pattern[at] === '?') {
          const head = apply(nativeExec, /^\?(?:[:=!]|<[=!]|<[a-zA-Z][a-zA-Z0-9]*>)/, [pattern.slice(at)]);
          if (!head) broken('Unknown inline modifier');
          out += head[0];
          at += head[0].length;
        }
      }
    } else if (char === ')') {
      if (opened.length === 1) broken(`Unmatched closing ')' near index ${at - 1}`);
      for (let i = opened.pop(); i > 0; i--) out += ')';
      out += ')';
      at += 1;
    } else if ('*+?'.includes(char) || char === '{') {
      const quantifier = apply(nativeExec, /^(?:[*+?]|\{\d+(?:,\d*)?\})([?+]?)/, [pattern.slice(at)]);
      if (!quantifier) broken(`Illegal repetition near index ${at}`);
      if (quantifier[1] === '+') broken('possessive quantifiers are not supported by callpark');
      out += quantifier[0];
      at += quantifier[0].length;
    } else {
      out += '.^$|'.includes(char) ? char : outsideLiteral(char);
      at += 1;
    }
  }
  if (opened.length > 1) broken(`Unclosed group near index ${pattern.length}`);
  for (let i = opened[0]; i > 0; i--) out += ')';
  return out;
}
// A RegExp; `whole` matches the whole string, as Matcher.matches does.
const LONGEST_PATTERN = 10000;
const knownPatterns = new Map();
function javaPattern(pattern, flags, whole) {
  if (pattern.length > LONGEST_PATTERN) broken(`callpark takes patterns of at most ${LONGEST_PATTERN} characters`);
  const found = remembered(knownPatterns, `${flags}${whole}${pattern}`, () => {
    const body = translated(`${pattern}`);
    return new NativeRegExp(whole ? `^(?:${body})$` : body, `${flags}v`);
  });
  found.lastIndex = 0;
  return found;
}
for (const [name, flags] of [['replace', ''], ['replaceAll', 'g']]) {
  const native = String.prototype[name];
  hidden(String.prototype, name, function (pattern, replacement) {
    tick();
    if (this.length > LONGEST_SEARCHED) throw new NativeRangeError('a string too long to search');
    return apply(native, this, [javaPattern(pattern, flags, false), replacement]);
  });
}
const nativeMatch = String.prototype.match;
hidden(String.prototype, 'match', function (pattern) {
  tick();
  if (this.length > LONGEST_SEARCHED) throw new NativeRangeError('a string too long to search');
  return apply(nativeMatch, this, [javaPattern(pattern, '', false)]);
});
