#!/usr/bin/env python3
"""Shows figures, one JSON object a line, as a table."""
import json
import sys

ROW = "{:<34} {:>12} {:>12}  {:<8} {:>7} {:>7}  {:<7} {}"
head = False
for line in sys.stdin:
    try:
        figure = json.loads(line)
    except ValueError:
        print(line, end="")
        continue
    if not head:
        print(ROW.format("figure", "ours", "peer's", "unit", "ratio", "goal", "", "peer"))
        head = True
    number = lambda name: "-" if figure.get(name) is None else "{:g}".format(figure[name])
    word = {True: "met", False: "NOT MET", None: ""}[figure.get("met")]
    print(ROW.format(figure["figure"], number("ours"), number("theirs"), figure.get("unit", ""), number("ratio"),
                     number("goal"), word, figure.get("peer") or "-"), flush=True)
