"""Reads the TypeScript declarations of @kubernetes-models as JSON schemas that refuse unknown fields."""

import functools
import re

TOKEN = re.compile(r'\s*(?:/\*.*?\*/\s*)*("(?:[^"\\]|\\.)*"|import\("[^"]*"\)|[A-Za-z_$][\w$]*|-?\d+|[^\s\w])', re.S)
PRIMITIVES = {"string": {"type": "string"}, "number": {"type": "number"}, "boolean": {"type": "boolean"},
              "any": {}, "unknown": {}, "object": {}, "null": {"type": "null"}}
# A quantity, a port or a percentage.
INT_OR_STRING = {"type": ["integer", "string"]}
DECLARATION = re.compile(r"export (?:declare )?(interface|type) (\w+)")
ALIASES = re.compile(r"export type \{([^}]*)\}")


class Reader:
    """Parses the declarations of one file."""

    def __init__(self, text):
        self.tokens = [match.group(1) for match in TOKEN.finditer(text)]
        self.position = 0

    def peek(self):
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self, expected=None):
        token = self.peek()
        if expected is not None and token != expected:
            raise ValueError(f"expected {expected}, not {token}")
        self.position += 1
        return token

    def skip(self, token):
        """Takes a token if it is the next."""
        is_next = self.peek() == token
        self.position += is_next
        return is_next

    def union(self):
        """Returns the schema of a type: one, or several separated by |."""
        options = [self.single()]
        while self.skip("|"):
            options.append(self.single())
        if all("const" in option for option in options):
            return {"enum": [option["const"] for option in options]}
        return options[0] if len(options) == 1 else {"anyOf": options}

    def single(self):
        """Returns the schema of a type without |."""
        token = self.take()
        if token.startswith('"'):
            schema = {"const": token[1:-1]}
        elif token.lstrip("-").isdigit():
            schema = {"const": int(token)}
        elif token in PRIMITIVES:
            schema = PRIMITIVES[token]
        elif token == "{":
            schema = self.members()
        elif token == "(":
            schema = self.union()
            self.take(")")
        elif token in ("Array", "Record", "Partial"):
            schema = self.generic(token)
        else:
            schema = {"type-name": token}
        while self.skip("["):
            self.take("]")
            schema = {"type": "array", "items": schema}
        return schema

    def generic(self, name):
        """Returns the schema of `Array<T>` and the like."""
        self.take("<")
        arguments = [self.union()]
        while self.skip(","):
            arguments.append(self.union())
        self.take(">")
        if name == "Array":
            return {"type": "array", "items": arguments[0]}
        return {"type": "object", "additionalProperties": arguments[-1]}

    def members(self):
        """Returns the schema of an object, after its first brace."""
        schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
        while not self.skip("}"):
            if self.skip("["):
                while not self.skip("]"):
                    self.take()
                self.take(":")
                schema["additionalProperties"] = self.union()
            else:
                name = self.take().strip('"')
                if not self.skip("?"):
                    schema["required"].append(name)
                self.take(":")
                schema["properties"][name] = self.union()
            self.skip(";")
        return schema

    def declaration(self, kind):
        """Returns the schema of an interface or type, after its name."""
        if kind == "type":
            self.take("=")
            return self.union()
        parents = []
        if self.skip("extends"):
            parents = [self.take()]
            while self.skip(","):
                parents.append(self.take())
        self.take("{")
        return self.members() | {"parents": parents}


def read_declarations(folder):
    """Returns the schema of each full name of a package, such as IIoK8sSigsGatewayApiApisV1HTTPRoute."""
    found = {}
    for file in folder.rglob("*.d.ts"):
        if "_schemas" in file.parts:
            continue
        text = file.read_text(encoding="utf-8")
        local = {}
        for match in DECLARATION.finditer(text):
            local.setdefault(match.group(2), (match.group(1), match.end()))
        for names in ALIASES.findall(text):
            for pair in names.split(","):
                name, _, full = pair.strip().partition(" as ")
                if name in local and full:
                    kind, start = local[name]
                    found[full] = functools.partial(Reader.declaration, kind=kind), text[start:]
    return found


class Declarations:
    """Schemas of all packages; the types of Kubernetes itself are those of `core`, by their names in small
    letters; `core_definition` returns what such a reference means."""

    def __init__(self, folders, core, core_definition):
        self.core_definition = core_definition
        self.sources = {}
        for folder in folders:
            self.sources |= read_declarations(folder)
        self.core = core
        self.definitions = {}

    def schema(self, name):
        """Returns a schema with the definitions that it needs."""
        self.define(name)
        return {"$ref": f"#/definitions/{name}", "definitions": self.definitions}

    def define(self, name):
        """Adds the definition of a type, and those of the types in it."""
        if name in self.definitions:
            return
        self.definitions[name] = {}
        key = re.sub(r"^I+(?=Io|Com|Dev)", "", name).lower()
        if name in self.sources:
            read, text = self.sources[name]
            self.definitions[name] = self.resolve(read(Reader(text)))
        elif name.endswith("IntOrString") or name.endswith("Quantity"):
            self.definitions[name] = INT_OR_STRING
        elif key in self.core:
            self.definitions[name] = {"$ref": self.core[key]}
        elif name != "TypeMeta":
            raise ValueError(f"no declaration of {name}")

    def resolve(self, schema):
        """Replaces names of types by references, and adds the fields of parents."""
        if "type-name" in schema:
            self.define(schema["type-name"])
            return {"$ref": f"#/definitions/{schema['type-name']}"}
        result = dict(schema)
        for parent in result.pop("parents", []):
            if parent == "TypeMeta":
                continue
            inherited = self.inherited(parent)
            result["properties"] = inherited["properties"] | result["properties"]
            result["required"] = inherited.get("required", []) + result["required"]
        if "properties" in result:
            result["properties"] = {name: self.resolve_once(value) for name, value in result["properties"].items()}
        for key in ("items", "additionalProperties"):
            if isinstance(result.get(key), dict):
                result[key] = self.resolve_once(result[key])
        if "anyOf" in result:
            result["anyOf"] = [self.resolve_once(option) for option in result["anyOf"]]
        return result

    def inherited(self, parent):
        """Returns the schema of a type that another extends."""
        self.define(parent)
        schema = self.definitions[parent]
        return self.core_definition(schema["$ref"]) if "$ref" in schema else schema

    def resolve_once(self, schema):
        """Like `resolve`, for a schema that may be resolved already."""
        return schema if "$ref" in schema or "x-core" in schema else self.resolve(schema)
