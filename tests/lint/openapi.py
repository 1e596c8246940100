"""docs/openapi.yaml, held against the router's table and against itself."""

import re

import tap

METHODS = {"get", "post", "put", "patch", "delete", "head", "options", "trace"}
ROUTE = re.compile(r'\{(HTTP_\w+(?:\s*\|\s*HTTP_\w+)*),\s*"([^"]+)"')


def load():
    try:
        import jsonschema
        import yaml
    except ImportError as missing:
        raise tap.Skip(f"{missing.name} is not installed") from None
    document = yaml.safe_load((tap.TOP / "docs/openapi.yaml").read_text(encoding="utf-8"))
    resolver = jsonschema.RefResolver("", document)
    return document, resolver, jsonschema.Draft202012Validator


def routes():
    """(method, path) of every row of the router's table, which may give several methods."""
    text = (tap.TOP / "fcgi/service/routes.c").read_text(encoding="utf-8")
    for methods, path in ROUTE.findall(text):
        for method in re.findall(r"HTTP_(\w+)", methods):
            if method != "UPLOAD":  # tells how the body is read
                yield method.lower(), path


def operations(document):
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield method, path, item[method]


def walk(node, where="#"):
    """Every object of the document, with its place."""
    if isinstance(node, dict):
        yield where, node
    children = node.items() if isinstance(node, dict) else \
        enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from walk(child, f"{where}/{key}")


def routes_are_described():
    """the router's table and docs/openapi.yaml have the same operations"""
    document, _, _ = load()
    served = set(routes())
    described = {(method, path) for method, path, _ in operations(document)}
    rows = (tap.TOP / "fcgi/service/routes.c").read_text(encoding="utf-8").count("{HTTP_")
    if len(ROUTE.findall((tap.TOP / "fcgi/service/routes.c").read_text())) != rows or not rows:
        yield "fcgi/service/routes.c: there are rows that this test cannot read"
    for method, path in sorted(served - described):
        yield f"docs/openapi.yaml lacks {method} {path}"
    for method, path in sorted(described - served):
        yield f"docs/openapi.yaml: no route answers {method} {path}"


def references_resolve():
    """every $ref of docs/openapi.yaml leads somewhere, and every component is used"""
    document, resolver, _ = load()
    used = set()
    for where, node in walk(document):
        if isinstance(reference := node.get("$ref"), str):
            used.add(reference)
            try:
                resolver.resolve(reference)
            except Exception:
                yield f"{where}: {reference} leads nowhere"
    for kind, components in document["components"].items():
        for component in components:
            if kind != "securitySchemes" and f"#/components/{kind}/{component}" not in used:
                yield f"#/components/{kind}/{component} is not used"


def operations_are_complete():
    """every operation has an id of its own, a summary, a tag, a success and an error"""
    document, resolver, _ = load()
    tags = {tag["name"] for tag in document["tags"]}
    ids = set()
    for method, path, operation in operations(document):
        name = operation.get("operationId")
        if not name or name in ids:
            yield f"{method} {path}: operationId {name} is missing or there twice"
        ids.add(name)
        if not operation.get("summary") or not set(operation.get("tags", ())) & tags:
            yield f"{method} {path} has no summary or no tag"
        statuses = operation["responses"].keys()
        if not statuses & {"200", "202"} or not any(status[0] in "45" for status in statuses):
            yield f"{method} {path} has no success or no error"
        parameters = [parameter if "$ref" not in parameter
                      else resolver.resolve(parameter["$ref"])[1]
                      for parameter in operation.get("parameters", ())]
        in_path = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
        if in_path != set(re.findall(r"\{(\w+)\}", path)):
            yield f"{method} {path} tells of other parameters in the path: {sorted(in_path)}"


def examples_fit():
    """every example fits its schema, and every error has its status"""
    document, resolver, validator = load()
    for where, node in walk(document):
        if "schema" not in node:
            continue
        examples = [node["example"]] if "example" in node else []
        for example in node.get("examples", {}).values():
            example = resolver.resolve(example["$ref"])[1] if "$ref" in example else example
            examples.append(example["value"])
        for example in examples:
            for error in validator(node["schema"], resolver=resolver).iter_errors(example):
                yield f"{where}: {error.message}"
            status = re.search(r"/responses/(\d+)/", where)
            if status and isinstance(example, dict) and "code" in example \
                    and example["code"] != int(status.group(1)):
                yield f"{where}: the example has the status {example['code']}"


def schemas_are_valid():
    """every schema of docs/openapi.yaml is one"""
    document, _, validator = load()
    for name, schema in document["components"]["schemas"].items():
        for error in validator(validator.META_SCHEMA).iter_errors(schema):
            yield f"{name}: {error.message}"


tap.main(routes_are_described, references_resolve, operations_are_complete, examples_fit,
         schemas_are_valid)
