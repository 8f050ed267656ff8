"""Java's methods on strings, lists, maps, numbers: what a call prints, and what it throws."""

import pytest

from callpark.graphql.runtimes.vtl.failures import TemplateFailure
from tests.graphql.runtimes.vtl.rendering import printed

pytestmark = pytest.mark.unit


def variables() -> dict[str, object]:
    return {
        "s": "Hello, World",
        "l": ["b", "a", "c"],
        "m": {"a": 1, "b": [True, None, 1.5]},
        "i": 42,
        "d": 2.75,
        "t": True,
        "path": "a/b//c",
        "blank": " x\t",
    }


CALLS = [
    # java.lang.String
    ("$s.length()", "12"),
    ("$s.isEmpty() ${s.empty}", "false false"),
    ("$blank.isBlank()", "false"),
    ("$s.charAt(1)", "e"),
    ("$s.substring(7)", "World"),
    ("$s.substring(0, 5)", "Hello"),
    ("$s.concat('!')", "Hello, World!"),
    ("$s.contains('World') $s.contains('world')", "true false"),
    ("$s.startsWith('Hell') $s.startsWith('World', 7) $s.endsWith('ld')", "true true true"),
    ("$s.equals('x') $s.equals($s) $s.equals(1)", "false true false"),
    ("$s.equalsIgnoreCase('hello, world')", "true"),
    ("$s.compareTo('Hellp') $s.compareTo('Hello, World') $s.compareToIgnoreCase('HELLO')", "-1 0 7"),
    ("$s.indexOf('o') $s.indexOf('o', 5) $s.lastIndexOf('o') $s.indexOf('z')", "4 8 8 -1"),
    ("$s.matches('Hello.*') $s.matches('Hello')", "true false"),
    ("$s.replace('l', 'L')", "HeLLo, WorLd"),
    ("$s.replaceAll('[lo]+', '_')", "He_, W_r_d"),
    ("$s.replaceAll('(H)(e)', '$2$1')", "eHllo, World"),
    ("$s.replaceFirst('o', '0')", "Hell0, World"),
    ("$s.replaceAll(',', '\\$')", "Hello$ World"),
    ("$s.split(', ')", "[Hello, World]"),
    ("$path.split('/')", "[a, b, , c]"),
    ("$path.split('/', 2)", "[a, b//c]"),
    ("$path.split('').size()", "6"),
    ("$path.split('[/]+')", "[a, b, c]"),
    ("$s.toLowerCase() $s.toUpperCase()", "hello, world HELLO, WORLD"),
    ("<$blank.trim()>", "<x>"),
    ("$s.toString()", "Hello, World"),
    ("$s.hashCode()", "-505841268"),
    ("$i.toString().repeat(2)", "4242"),
    ("$s.join('-', $l) $s.join('-', 'x', 'y')", "b-a-c x-y"),
    ("$s.format('%05d|%-4s|%.2f|%x|%%', 42, 'ab', 2.755, 255)", "00042|ab  |2.76|ff|%"),
    ("$s.valueOf(12).length()", "2"),
    ("$s.format('%.2f %.0f %f', 1.0e30, 2.5, 0.5)", "1000000000000000000000000000000.00 3 0.500000"),
    ("$s.format('%.3f', $d.parseDouble('NaN'))", "NaN"),
    # java.util.List
    ("$l.size() $l.isEmpty() $l.empty", "3 false false"),
    ("$l.get(0) $l[2]", "b c"),
    ("$l.contains('a') $l.contains(1)", "true false"),
    ("$l.indexOf('a') $l.indexOf('z') $l.lastIndexOf('c')", "1 -1 2"),
    ("$l.add('d') $l", "true [b, a, c, d]"),
    ("$!l.add(0, 'z')$l", "[z, b, a, c]"),
    ("$l.addAll(['x', 'y']) $l", "true [b, a, c, x, y]"),
    ("$l.remove(0) $l.remove('c') $l.remove('q') $l", "b true false [a]"),
    ("$l.set(1, 'A') $l", "a [b, A, c]"),
    ("$l.subList(0, 2)", "[b, a]"),
    ("$l.removeAll(['a', 'q']) $l", "true [b, c]"),
    ("$l.retainAll(['a']) $l", "true [a]"),
    ("$l.containsAll(['a', 'b']) $l.containsAll(['q'])", "true false"),
    ("$l.equals(['b', 'a', 'c'])", "true"),
    ("$!l.clear()$l", "[]"),
    ("#set($it = $l.iterator())$it.hasNext() $it.next() $it.next() $it.next() $it.hasNext()", "true b a c false"),
    ("#set($it = $l.iterator())$!it.next()$!it.remove()$l", "b[a, c]"),
    ("#set($x = [1, true, '1', 1.0])$x.indexOf('1') $x.indexOf(true) $x.indexOf(1.0) $x.contains(2)", "2 1 3 false"),
    # java.util.Map
    ("$m.size() $m.isEmpty()", "2 false"),
    ("$m.get('a') $m.a $m['a'] $m.getOrDefault('z', 9)", "1 1 1 9"),
    ("$m.put('a', 2) $m.a", "1 2"),
    ("$m.put('z', 2) $m.z", "$m.put('z', 2) 2"),
    ("$m.containsKey('a') $m.containsKey('z') $m.containsValue(1)", "true false true"),
    ("$m.remove('a') $m", "1 {b=[true, null, 1.5]}"),
    ("$m.keySet() $m.values()", "[a, b] [1, [true, null, 1.5]]"),
    ("$m.entrySet()", "[a=1, b=[true, null, 1.5]]"),
    ("$!m.putAll({'c': 3})$m.c", "3"),
    ("$!m.putIfAbsent('a', 5)$!m.putIfAbsent('n', 5)$m.a$m.n", "115"),
    ("$m.keySet().contains('a') $m.keySet().size() $m.keySet().isEmpty()", "true 2 false"),
    ("$m.keySet().removeAll(['a']) $m", "true {b=[true, null, 1.5]}"),
    ("$m.keySet().retainAll(['a']) $m", "true {a=1}"),
    ("#foreach($e in $m.entrySet())$!e.setValue(0)#end$m", "1[true, null, 1.5]{a=0, b=0}"),
    ("#foreach($e in $m.entrySet())$e.getKey()#end", "ab"),
    ("$m.toString().length()", "26"),
    ("#set($m.self = $m)$m.remove('b') $m", "[true, null, 1.5] {a=1, self=(this Map)}"),
    # numbers, Boolean
    ("$i.intValue() $d.intValue() $i.doubleValue() $d.toString()", "42 2 42.0 2.75"),
    ("$i.hashCode()#set($n = 1795309498541) $n.hashCode()", "42 13168911"),
    ("$i.compareTo(43) $d.compareTo(1.0) $i.equals(42)", "-1 1 true"),
    ("$i.parseInt('7') $i.parseInt('ff', 16) $i.valueOf('8') $d.parseDouble('1.5')", "7 255 8 1.5"),
    ("$i.max(1, 2) $i.toHexString(255) $i.toString(5)", "2 ff 5"),
    ("$t.toString().length() $t.booleanValue() $t.parseBoolean('TRUE')", "4 true true"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), CALLS)
def test_calls(source: str, expected: str) -> None:
    assert printed(source, **variables()) == expected


THROWN = [
    ("$l.get(3)", "java.lang.IndexOutOfBoundsException: Index: 3, Size: 3"),
    ("$l[3]", "java.lang.IndexOutOfBoundsException: Index: 3, Size: 3"),
    ("#set($l[9] = 1)", "java.lang.IndexOutOfBoundsException: Index: 9, Size: 3"),
    ("$s.substring(20)", "java.lang.StringIndexOutOfBoundsException"),
    ("$s.charAt(99)", "java.lang.StringIndexOutOfBoundsException"),
    ("$i.parseInt('x')", 'java.lang.NumberFormatException: For input string: "x"'),
    ("$s.matches('(')", "java.util.regex.PatternSyntaxException"),
    ("$s.replaceAll('a++', '')", "possessive quantifiers are not supported by callpark"),
    ("$s.replaceAll('o', '$5')", "java.lang.IndexOutOfBoundsException: No group 5"),
    ("$m.putAll($nobody)", "java.lang.NullPointerException"),
    ("$m.keySet().add('x')", "java.lang.UnsupportedOperationException"),
    ("$m.put({}, 1)", "lists and maps as keys"),
    ("#set($it = $l.iterator())$it.next()$it.next()$it.next()$it.next()", "java.util.NoSuchElementException"),
    ("$l.stream()", "callpark does not have the method 'stream' of java.util.ArrayList"),
    ("$s.format('%d', 'x')", "java.util.IllegalFormatConversionException"),
]


@pytest.mark.parametrize(("source", "message"), THROWN)
def test_what_java_throws_ends_the_template_with_its_place(source: str, message: str) -> None:
    with pytest.raises(TemplateFailure) as caught:
        printed("\n" + source, **variables())
    assert message in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place[0] == 2
