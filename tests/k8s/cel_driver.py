# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202, T201
"""Runs in an environment with CEL: a ValidatingAdmissionPolicy against one object a line.

The first line of the input is the policy's spec. The answer to each other line, an object, is a
line of its own: the messages of the rules that refuse it; "error: ..." is one that cannot decide.
"""

import json
import re
import sys

from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

# The API server knows their types too: an expression that confuses them would not be accepted.
TYPES = {"text": cel.Type.STRING, "small": cel.Type.BOOL, "lines": cel.Type.List(cel.Type.STRING)}


def main():
    """Compile once, judge each object."""
    spec = json.loads(sys.stdin.readline())
    variables = {
        f"variables_{name}": TYPES[name] for name in (v["name"] for v in spec["variables"])
    }
    env = cel.NewEnv(
        variables={"object": cel.Type.Map(cel.Type.STRING, cel.Type.DYN), **variables},
        extensions=[ext_strings.ExtStrings()],
    )

    def compiled(expression):
        # The API server's `variables` is an object with a typed member for each.
        return env.compile(re.sub(r"\bvariables\.", "variables_", expression))

    steps = [(f"variables_{v['name']}", compiled(v["expression"])) for v in spec["variables"]]
    rules = [(v["message"], compiled(v["expression"])) for v in spec["validations"]]
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(judge(json.loads(line), steps, rules)), flush=True)


def judge(document, steps, rules):
    """Return why a document is refused."""
    data = {"object": document}
    for name, expression in steps:
        value = expression.eval(data=data)
        if value.type() == cel.Type.ERROR:
            return [f"error: {name}: {value.value()}"]
        data[name] = value.plain_value()
    refused = []
    for message, expression in rules:
        value = expression.eval(data=data)
        if value.type() == cel.Type.ERROR:
            refused.append(f"error: {message}: {value.value()}")
        elif value.value() is not True:
            refused.append(message)
    return refused


if __name__ == "__main__":
    main()
