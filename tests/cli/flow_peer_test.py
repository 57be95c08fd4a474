# SPDX-License-Identifier: Apache-2.0
"""Templates and schemas beside the programs whose rules they follow: Jinja and jsonschema, where those are installed.
FLOW_PEER names the program that answers for us (coppice/flow/peer.cpp)."""
import json
import os
import random
import re
import subprocess
import unittest

try:
    import jinja2
except ImportError:
    jinja2 = None
try:
    import jsonschema
except ImportError:
    jsonschema = None

class Peer:
    """Questions go in and answers come out, a line each."""

    def __init__(self):
        self.process = subprocess.Popen([os.environ["FLOW_PEER"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, question):
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"no answer to {question}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def with_sorted_keys(value):
    """Our objects are in the order of their keys, Python's in that of their making."""
    if isinstance(value, dict):
        return {key: with_sorted_keys(value[key]) for key in sorted(value)}
    return [with_sorted_keys(item) for item in value] if isinstance(value, list) else value


def printed(value):
    """What {{ }} makes of a value here: JSON, but for texts."""
    if isinstance(value, (str, jinja2.Undefined)):
        return value
    if not isinstance(value, (bool, int, float, type(None), dict)):
        value = list(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def without_python(text):
    """Less the difference between JSON and what Python's join and ~ make of values that are no text."""
    words = {"True": "true", "False": "false", "None": "null", "TRUE": "true", "FALSE": "false", "'": '"'}
    return re.sub("|".join(words), lambda found: words[found[0]], text)


def environment():
    class Absent(jinja2.StrictUndefined):
        """Before default and `is defined` a whole path may be absent."""

        def __getattr__(self, name):
            if name[:2] == "__":
                raise AttributeError(name)
            return self

        def __getitem__(self, name):
            return self

    result = jinja2.Environment(undefined=Absent, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
                                autoescape=False, finalize=printed)
    result.policies["json.dumps_function"] = lambda value, **options: json.dumps(value, ensure_ascii=False, **options)
    result.filters["tojson"] = lambda value, indent=None: json.dumps(value, indent=indent, ensure_ascii=False,
                                                                     sort_keys=True)
    result.filters["escape"] = lambda value: str(jinja2.filters.escape(value))  # a text, which a second one escapes
    return result


SCOPE = {
    "t": "hello world", "u": "Ünïcode: ß Ω 日本 ok", "e": "", "m": "  two\n lines\n\nof it ", "q": "<a href='x'>\"&\"</a>",
    "i": 7, "j": -3, "z": 0, "x": 2.5, "y": -0.125, "h": 1e21, "b": True, "c": False, "n": None,
    "texts": ["pear", "Apple", "fig", "apple", "Fig", "é"], "ints": [3, 1, 2, 3, -5, 0], "reals": [0.5, 2.25, -1.0],
    "none_at_all": [], "o": {"a": 1, "b": {"c": "deep", "d": [1, 2]}, "k k": "blank"},
    "people": [{"name": "Zoe", "age": 3, "at": {"city": "Ulm"}}, {"name": "abe", "age": 20, "at": {"city": "Bonn"}},
               {"name": "Bob", "age": 3, "at": {"city": "aachen"}, "vip": True}],
}


class Generator:
    """Expressions of a wanted kind, so that most of them have a value."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.loops = []  # (kind, name) of the variables of the loops around

    def pick(self, *choices):
        return self.random.choice(choices)

    def expression(self, kind, depth):
        locals_of_kind = [name for each, name in self.loops if each == kind]
        if locals_of_kind and self.random.random() < 0.4:
            return self.random.choice(locals_of_kind)
        text = getattr(self, kind)(depth - 1)
        return f"({text})" if self.random.random() < 0.9 else text

    def integer(self, depth):
        e = lambda kind: self.expression(kind, depth)
        if depth <= 0:
            return self.pick("0", "1", "2", "7", "42", "i", "j", "z", "ints[0]", "ints[-1]", "o.a", "o['b'].d[1]")
        return self.pick(
            lambda: f"{e('integer')} + {e('integer')}", lambda: f"{e('integer')} - {e('integer')}",
            lambda: f"{e('integer')} * {e('integer')}", lambda: f"{e('integer')} // {e('integer')}",
            lambda: f"{e('integer')} % {e('integer')}", lambda: f"-{e('integer')}", lambda: f"{e('text')} | length",
            lambda: f"{e('integers')} | sum", lambda: f"{e('integers')} | length", lambda: f"{e('real')} | int",
            lambda: f"{e('text')} | wordcount", lambda: f"{e('integer')} | abs", lambda: f"{e('text')} | int(7)",
            lambda: f"{e('integers')} | max | default(3)", lambda: f"{e('integers')} | first | default(1)",
            lambda: "people | sum(attribute='age')", lambda: f"{e('integer')} if {e('truth')} else {e('integer')}",
            lambda: f"missing.at.all | default({e('integer')})", lambda: f"+{e('integer')}")()

    def real(self, depth):
        e = lambda kind: self.expression(kind, depth)
        if depth <= 0:
            return self.pick("0.5", "2.5", "1e3", "x", "y", "h", "reals[1]", "0.1", "3.0")
        return self.pick(
            lambda: f"{e('real')} + {e('integer')}", lambda: f"{e('integer')} / {e('integer')}",
            lambda: f"{e('real')} * {e('real')}", lambda: f"{e('real')} // {e('integer')}",
            lambda: f"{e('real')} % {e('real')}", lambda: f"{e('real')} | round({self.pick(0, 1, 2)})",
            lambda: f"{e('real')} | round(1, '{self.pick('ceil', 'floor')}')", lambda: f"{e('integer')} | float",
            lambda: f"{e('text')} | float(0.25)", lambda: f"-{e('real')}", lambda: f"{e('real')} | abs")()

    def text(self, depth):
        e = lambda kind: self.expression(kind, depth)
        if depth <= 0:
            return self.pick("t", "u", "e", "m", "q", "'a b'", '"c\\n\\u00e9"', "texts[1]", "o.b.c", "o['k k']",
                             "people[0].at.city", "'12'", "' 3.5 '", "'don\\'t (stop) it-now'")
        return self.pick(
            lambda: f"{e('text')} ~ {e('text')}", lambda: f"{e('text')} + {e('text')}", lambda: f"{e('text')} | upper",
            lambda: f"{e('integer')} ~ {e('text')} ~ {e('real')}", lambda: f"{e('text')} | lower",
            lambda: f"{e('text')} | title", lambda: f"{e('text')} | capitalize", lambda: f"{e('text')} | trim",
            lambda: f"{e('text')} | trim('{self.pick('a', 'ho', ' <')}')", lambda: f"{e('text')} | reverse",
            lambda: f"{e('text')} | truncate({self.pick(3, 5, 8)}, {self.pick('true', 'false')}, '..', {self.pick(0, 2)})",
            lambda: f"{e('text')} | replace({self.pick(chr(39) + 'l' + chr(39), chr(39) + 'o' + chr(39))}, {e('text')})",
            lambda: f"{e('text')} | replace('l', 'L', {self.pick(0, 1, 2)})", lambda: f"{e('text')} | escape",
            lambda: f"{e('texts_')} | join({self.pick(chr(39) + ', ' + chr(39), chr(39) * 2)})",
            lambda: f"{e('integers')} | join('-')", lambda: f"{e('text')} | indent({self.pick(2, 4)})",
            lambda: f"{e('text')} | indent(2, true, {self.pick('true', 'false')})", lambda: f"{e('integer')} | string",
            lambda: f"{e('text')}[{self.slice()}]", lambda: f"{e('text')} * {self.pick(0, 2, -1)}",
            lambda: f"{e('texts_')} | first | default('none')", lambda: f"{e('anything')} | tojson",
            lambda: "people | tojson(indent=2)", lambda: "people | join(', ', attribute='name')",
            lambda: f"{e('text')} if {e('truth')} else {e('text')}", lambda: f"{e('text')} | default('x', true)",
            lambda: f"o.absent | default({e('text')})", lambda: f"{e('text')} | last | default('?')")()

    def truth(self, depth):
        e = lambda kind: self.expression(kind, depth)
        if depth <= 0:
            return self.pick("true", "false", "b", "c", "not b", "x is defined", "missing is defined", "n is none")
        compare = lambda: self.pick("==", "!=", "<", "<=", ">", ">=")
        return self.pick(
            lambda: f"{e('integer')} {compare()} {e('integer')}", lambda: f"{e('real')} {compare()} {e('integer')}",
            lambda: f"{e('text')} {compare()} {e('text')}", lambda: f"{e('truth')} and {e('truth')}",
            lambda: f"{e('truth')} or {e('truth')}", lambda: f"not {e('truth')}", lambda: f"{e('text')} in {e('text')}",
            lambda: f"{e('integer')} {self.pick('in', 'not in')} {e('integers')}", lambda: f"{e('text')} in o",
            lambda: f"{e('integers')} {compare()} {e('integers')}", lambda: f"{e('integer')} is odd",
            lambda: f"{e('anything')} is {self.pick('string', 'not string', 'none', 'mapping', 'sequence', 'iterable')}",
            lambda: f"{e('integer')} is {self.pick('number', 'integer', 'float', 'even', 'boolean')}",
            lambda: f"{e('integer')} is divisibleby({self.pick(2, 3)})", lambda: f"{e('integer')} is eq 3",
            lambda: f"{e('integer')} is in {e('integers')}",
            lambda: f"{e('integer')} {compare()} {e('integer')} {compare()} {e('integer')}",
            lambda: f"{self.pick('o.b.c', 'o.b.zz', 'o.zz.c', 'people[9]', 'i.x')} is {self.pick('', 'not ')}defined")()

    def integers(self, depth):
        e = lambda kind: self.expression(kind, depth)
        if depth <= 0:
            return self.pick("ints", "[]", "[1, 2]", "none_at_all", "o.b.d", "[i, j,]")
        return self.pick(
            lambda: f"{e('integers')} + {e('integers')}", lambda: f"{e('integers')} | sort",
            lambda: f"{e('integers')} | sort(reverse=true)", lambda: f"{e('integers')} | unique | list",
            lambda: f"{e('integers')} | reverse | list", lambda: f"{e('integers')}[{self.slice()}]",
            lambda: f"{e('integers')} | select('{self.pick('odd', 'even')}') | list",
            lambda: f"{e('integers')} | reject('gt', {e('integer')}) | list",
            lambda: f"{e('integers')} | map('abs') | list", lambda: f"[{e('integer')}, {e('integer')}]",
            lambda: "people | map(attribute='age') | list", lambda: "people | map(attribute='at.x', default=4) | list")()

    def texts_(self, depth):
        e = lambda kind: self.expression(kind, depth)
        if depth <= 0:
            return self.pick("texts", "[]", "['a', 'b']", "[t, u]", "o | list", "people | map(attribute='name') | list")
        return self.pick(
            lambda: f"{e('texts_')} | sort", lambda: f"{e('texts_')} | sort(case_sensitive=true)",
            lambda: f"{e('texts_')} | unique | list", lambda: f"{e('texts_')} | map('upper') | list",
            lambda: f"{e('texts_')} + {e('texts_')}", lambda: f"{e('texts_')}[{self.slice()}]",
            lambda: f"{e('texts_')} | map('replace', 'a', 'A') | list", lambda: f"{e('text')} | list",
            lambda: f"people | sort(attribute='{self.pick('name', 'age', 'age,name', 'at.city')}') "
                    "| map(attribute='name') | list",
            lambda: f"people | selectattr('{self.pick('vip', 'name')}', 'defined') | map(attribute='name') | list",
            lambda: f"people | {self.pick('select', 'reject')}attr('age', 'eq', 3) | map(attribute='at.city') | list",
            lambda: f"[people | {self.pick('min', 'max')}(attribute='age')] | map(attribute='name') | list",
            lambda: f"[{e('text')}, {e('text')}]")()

    def anything(self, depth):
        kind = self.pick("integer", "real", "text", "truth", "integers", "texts_", "object", "none")
        return {"object": "o", "none": "none"}.get(kind) or self.expression(kind, depth)

    def batches(self, depth):
        return f"{self.expression('integers', depth)} | batch({self.pick(2, 3)}{self.pick('', ', 0')}) | list"

    def slice(self):
        part = lambda: self.pick("", "", "0", "1", "2", "-1", "-2", "9", "-9")
        return f"{part()}:{part()}" + self.pick("", "", ":", ":2", ":-1", ":-2")

    def statement(self, depth):
        body = lambda: "".join(self.statement(depth - 1) for _ in range(self.random.randint(1, 2)))
        e = lambda kind: self.expression(kind, 2)
        blank = lambda: self.pick("", " ", "\n", "  \n ", "text\n", "\n\n")
        tag = lambda content: f"{{%{self.pick('', '', '-', '+')} {content} {self.pick('', '', '-', '+')}%}}" + blank()
        if depth <= 0 or self.random.random() < 0.3:
            kind = self.pick("anything", "text", "text", "integer", "real", "truth", "integers", "texts_", "batches")
            opening, closing = self.pick("", "", "-", "+"), self.pick("", "", "-")
            return blank() + f"{{{{{opening} {self.expression(kind, 3)} {closing}}}}}" + blank()
        choice = self.pick("if", "for", "set", "comment", "raw", "items")
        if choice == "if":
            return (tag(f"if {e('truth')}") + body() + (tag(f"elif {e('truth')}") + body() if depth > 1 else "")
                    + self.pick("", tag("else") + body()) + tag("endif"))
        if choice == "set":
            kind, name = self.pick(("integer", "v_i"), ("text", "v_t"), ("integers", "v_l"))
            value = e(kind)
            return tag(f"set {name} = {value}") + f"{{{{ {name} }}}}" + blank()
        if choice == "comment":
            return f"{{#{self.pick('', '-')} {{{{ no }}}} {self.pick('', '-')}#}}" + blank()
        if choice == "raw":
            return tag("raw").replace("+%}", "%}") + "{{ raw }} {% x %}" + blank() + tag("endraw")
        kind, name, iterable = self.pick(("integer", "a_i", e("integers")), ("text", "a_t", e("texts_")))
        if choice == "items":
            kind, name, iterable = "text", "k, v", "o | items"
        self.loops.append((kind, name.split(",")[0]))
        self.loops.append(("integer", self.pick("loop.index", "loop.length", "loop.revindex0")))
        self.loops.append(("truth", self.pick("loop.first", "loop.last")))
        inner = body()
        del self.loops[-3:]
        test = self.pick("", f" if {name} is string" if choice == "for" else "")
        return (tag(f"for {name} in {iterable}{test}") + inner + self.pick("", tag("else") + "nothing")
                + tag("endfor"))


@unittest.skipIf(jinja2 is None, "Jinja is not installed (python3-jinja2)")
class TemplatesTest(unittest.TestCase):
    """Whatever renders here renders the same there; whatever renders there does here, but for what we refuse."""

    @classmethod
    def setUpClass(cls):
        cls.peer = Peer()
        cls.environment = environment()
        cls.scope = with_sorted_keys(SCOPE)

    @classmethod
    def tearDownClass(cls):
        cls.peer.close()

    def theirs(self, template):
        try:
            return {"text": self.environment.from_string(template).render(self.scope)}
        except Exception as error:  # whatever it is: a fault of the template or of the values
            return {"error": f"{type(error).__name__}: {error}"}

    def ours(self, template):
        return self.peer.ask({"template": template, "scope": self.scope})

    def compare(self, template, may_refuse=()):
        """Are both of one mind? Counts as such: an error on both sides, and what we refuse on purpose."""
        ours, theirs = self.ours(template), self.theirs(template)
        if "error" in ours and any(words in ours["error"] for words in may_refuse):
            return False
        if "error" in ours and "error" in theirs:
            return False
        self.assertEqual(ours.get("text", ours), theirs.get("text", theirs), template)
        return True

    REFUSED = ("too large", "true or false")

    def test_expressions_have_the_same_value(self):
        generator = Generator(1)
        n_values = 0
        for _ in range(1500):
            kind = generator.pick("anything", "text", "integer", "real", "truth", "integers", "texts_", "batches")
            n_values += self.compare("{{ " + generator.expression(kind, 4) + " }}", self.REFUSED)
        self.assertGreater(n_values, 1000)

    def test_blocks_and_blanks_come_out_the_same(self):
        generator = Generator(2)
        n_values = 0
        for _ in range(600):
            template = "".join(generator.statement(3) for _ in range(generator.random.randint(1, 3)))
            n_values += self.compare(template, self.REFUSED)
        self.assertGreater(n_values, 250)

    def test_blanks_around_tags_are_taken_away_alike(self):
        draw = random.Random(3)
        pieces = ["{{ i }}", "{{- i }}", "{{ i -}}", "{{+ i }}", "{{-i-}}", "{% if b %}", "{%- if b %}", "{% if b -%}",
                  "{%+ if b %}", "{% if b +%}", "{% endif %}", "{%- endif -%}", "{%endif%}", "{% raw %}", "{%- raw -%}",
                  "{% endraw %}", "{%- endraw -%}", "{%+ endraw +%}", "{# c #}", "{#- c -#}", "{#+ c +#}", "{##}",
                  "{#-#}", "{%-raw%}", "\n", "\n", "\r\n", "\r", " ", "  ", "\t", "text", "{", "}", "%}", "{ {", "'",
                  "{{ '}}' }}", "{{ '%}' ~ \"{{\" }}", "{{ {'a': {}}['a'] }}", "\\", "#}", "{{", "{%", "{#", "}}"]
        n_values = 0
        for _ in range(3000):
            n_values += self.compare("".join(draw.choice(pieces) for _ in range(draw.randint(1, 9))),
                                     ("is not closed by",))
        self.assertGreater(n_values, 500)

    def test_what_is_read_as_an_expression_here_is_one_there(self):
        draw = random.Random(4)
        pieces = ["t", "i", "x", "ints", "o", "people", "missing", "1", "2.5", "0", "'a'", '"b"', "true", "none", "+", "-",
                  "*", "/", "//", "%", "~", "==", "<", ">=", "!=", "and", "or", "not", "in", "not in", "is", "is not",
                  "defined", "number", "if", "else", "(", ")", "[", "]", "{", "}", ":", ",", ".", ".a", "[0]", "['b']",
                  "|", "| upper", "| length", "| default(1)", "| first", "| abs", "| join(',')", "1:", "**", "=", "()"]
        n_values = 0
        for _ in range(8000):
            template = "{{ " + " ".join(draw.choice(pieces) for _ in range(draw.randint(1, 7))) + " }}"
            ours = self.ours(template)
            if "text" not in ours:
                continue
            theirs = self.theirs(template)
            n_values += 1
            self.assertIn("text", theirs, template)
            self.assertEqual(without_python(ours["text"]), without_python(theirs["text"]), template)
        self.assertGreater(n_values, 200)


class SchemaGenerator:
    """Schemas over few names and small values, so that values often meet what schemas speak of."""

    NAMES = ["a", "b", "ab", "c", "0"]

    def __init__(self, seed):
        self.random = random.Random(seed)

    def some(self, choices, most=3):
        return self.random.sample(choices, self.random.randint(1, min(most, len(choices))))

    def value(self, depth=3):
        kind = self.random.randint(0, 9 if depth > 0 else 6)
        if kind < 3:
            return self.random.choice([0, 1, 2, 3, -1, 1.0, 2.0, 1.5, -0.25, 10, 1e3, 4096])
        if kind < 5:
            return self.random.choice(["", "a", "b", "ab", "aab", "abc", "1", "é", "日本"])
        if kind < 7:
            return self.random.choice([None, True, False])
        if kind == 7:
            return [self.value(depth - 1) for _ in range(self.random.randint(0, 3))]
        return {name: self.value(depth - 1) for name in self.some(self.NAMES, 4)} if self.random.random() < 0.9 else {}

    def schema(self, depth=3, root=True):
        if self.random.random() < 0.06:
            return self.random.choice([True, False])
        keywords = self.some(["type", "values", "number", "text", "list", "object", "object", "all", "any", "one", "not",
                              "if", "ref"], 3)
        schema = {}
        for keyword in keywords:
            schema.update(getattr(self, "add_" + keyword)(depth - 1))
        if root:
            schema["$defs"] = {"x": self.schema(1, False) if depth > 1 else True,
                               "y": {"$anchor": "y", "type": self.random.choice(["object", "array", "string"]),
                                     "properties": {"a": {"$ref": "#/$defs/x"}, "b": {"$ref": "#y"}},
                                     "items": {"$ref": "#y"}}}
        return schema

    def inner(self, depth):
        return self.schema(depth, False) if depth > 0 else self.random.choice([True, {"type": "integer"}, {"minLength": 1}])

    def add_type(self, depth):
        types = ["null", "boolean", "integer", "number", "string", "array", "object"]
        return {"type": self.random.choice(types) if self.random.random() < 0.6 else self.some(types, 3)}

    def add_values(self, depth):
        return self.random.choice([{"const": self.value(1)}, {"enum": [self.value(1) for _ in range(3)]}])

    def add_number(self, depth):
        return {key: self.random.choice([0, 1, 1.5, 2, -1, 0.25, 0.5, 3]) if key != "multipleOf" else
                self.random.choice([1, 2, 0.5, 0.25, 3, 1.5])
                for key in self.some(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"], 2)}

    def add_text(self, depth):
        result = {key: self.random.randint(0, 3) for key in self.some(["minLength", "maxLength"], 2)}
        if self.random.random() < 0.5:
            result["pattern"] = self.random.choice(["^a", "b$", "^(a|b)*$", "[^a]", "^.{1,2}$", "a+b?", "^\\\\w+$", "^$"])
        return result

    def add_list(self, depth):
        result = {}
        for key in self.some(["items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"], 4):
            if key in ("minItems", "maxItems"):
                result[key] = self.random.randint(0, 3)
            elif key == "uniqueItems":
                result[key] = self.random.random() < 0.8
            elif key == "prefixItems":
                result[key] = [self.inner(depth) for _ in range(self.random.randint(1, 2))]
            else:
                result[key] = self.inner(depth)
        if "contains" in result and self.random.random() < 0.5:
            result["minContains"], result["maxContains"] = self.random.randint(0, 2), self.random.randint(0, 2)
        return result

    def add_object(self, depth):
        result = {}
        for key in self.some(["properties", "patternProperties", "additionalProperties", "propertyNames", "required",
                              "minProperties", "maxProperties", "dependentRequired", "dependentSchemas"], 4):
            names = self.some(self.NAMES, 3)
            result[key] = {"properties": lambda: {name: self.inner(depth) for name in names},
                           "patternProperties": lambda: {self.random.choice(["^a", "b$", "^.$"]): self.inner(depth)},
                           "additionalProperties": lambda: self.random.choice([False, True, self.inner(depth)]),
                           "propertyNames": lambda: self.random.choice([{"maxLength": 1}, {"enum": ["a", "ab"]}]),
                           "required": lambda: names, "minProperties": lambda: self.random.randint(0, 3),
                           "maxProperties": lambda: self.random.randint(0, 3),
                           "dependentRequired": lambda: {names[0]: names[1:]},
                           "dependentSchemas": lambda: {names[0]: self.inner(depth)}}[key]()
        return result

    def add_all(self, depth):
        return {"allOf": [self.inner(depth) for _ in range(self.random.randint(1, 2))]}

    def add_any(self, depth):
        return {"anyOf": [self.inner(depth) for _ in range(self.random.randint(1, 3))]}

    def add_one(self, depth):
        return {"oneOf": [self.inner(depth) for _ in range(self.random.randint(1, 3))]}

    def add_not(self, depth):
        return {"not": self.inner(depth)}

    def add_if(self, depth):
        return {key: self.inner(depth) for key in ["if"] + self.some(["then", "else"], 2)}

    def add_ref(self, depth):
        return {"$ref": self.random.choice(["#/$defs/x", "#y"])}


def paths_of(value, path=()):
    """The paths into a value, and the types of what they lead to."""
    yield [str(part) for part in path], TYPE_NAMES[type(value)]
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, inner in parts:
        yield from paths_of(inner, (*path, part))


TYPE_NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null", int: "number", float: "number"}


@unittest.skipIf(jsonschema is None, "jsonschema is not installed (python3-jsonschema)")
class SchemasTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.peer = Peer()

    @classmethod
    def tearDownClass(cls):
        cls.peer.close()

    def test_the_same_values_are_valid(self):
        generator = SchemaGenerator(1)
        n_valid = n_faulty = 0
        for _ in range(400):
            schema = generator.schema()
            try:
                jsonschema.Draft202012Validator.check_schema(schema)
            except jsonschema.SchemaError:
                continue
            values = [generator.value() for _ in range(12)]
            answer = self.peer.ask({"schema": schema, "values": values})
            if "refers to itself" in answer.get("error", ""):
                continue
            validator = jsonschema.Draft202012Validator(schema)
            for value, faults in zip(values, answer["faults"], strict=True):
                self.assertEqual(not faults, validator.is_valid(value), (schema, value, faults))
                n_valid, n_faulty = n_valid + (not faults), n_faulty + bool(faults)
        self.assertGreater(min(n_valid, n_faulty), 800)

    def test_what_is_in_a_valid_value_can_be_looked_up(self):
        generator = SchemaGenerator(2)
        n_found = 0
        for _ in range(500):
            schema = generator.schema()
            values = [generator.value() for _ in range(20)]
            answer = self.peer.ask({"schema": schema, "values": values})
            if "faults" not in answer:
                continue
            paths = [each for value, faults in zip(values, answer["faults"], strict=True) if not faults
                     for each in paths_of(value)]
            found = self.peer.ask({"look_up": [path for path, _ in paths], "in": schema})["found"]
            for (path, kind), place in zip(paths, found, strict=True):
                self.assertTrue(place["may_exist"], (schema, path))
                if place["types"] and not (kind == "number" and "integer" in place["types"]):
                    self.assertIn(kind, place["types"], (schema, path))
                n_found += 1
        self.assertGreater(n_found, 3000)

if __name__ == "__main__":
    unittest.main()
