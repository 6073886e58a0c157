#!/usr/bin/env python3
"""Makes demo.png: what `rundruf demo --once` writes on a terminal of 100 columns, as it is.

    docs/pictures/make.py target/release/rundruf

Needs tmux (runs the program and keeps its colours), chromium (draws), pngquant (packs) and the font DejaVu Sans Mono.
"""
import html
import os
import re
import subprocess
import sys
import tempfile
import time

COLUMNS, ROWS = 100, 240
SOCKET = f"rundruf-picture-{os.getpid()}"
COLOURS = {30: "#3b4252", 31: "#e06c75", 32: "#98c379", 33: "#e5c07b", 34: "#61afef", 35: "#c678dd", 36: "#56b6c2"}
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 22px; background: #e8eaed; width: 712px; }}
pre {{ margin: 0 0 18px; padding: 16px 20px 18px; border-radius: 9px; background: #1e2228; color: #d6dae0;
      font: 13.5px/1.34 "DejaVu Sans Mono"; box-shadow: 0 4px 14px #0004; }}
pre:last-child {{ margin: 0; }}
</style>{}"""


def tmux(*words):
    return subprocess.run(["tmux", "-L", SOCKET, "-f", "/dev/null", *words], check=True, capture_output=True).stdout.decode()


def screens(program):
    """The terminal while the last first notice runs, and at the end."""
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(os.path.abspath(program), f"{folder}/rundruf")
        shell = f"cd {folder}; PATH={folder}:$PATH PS1='$ ' exec bash --norc"
        tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), "-s", "demo", shell)
        tmux("set", "-g", "status", "off")
        time.sleep(0.5)
        tmux("send-keys", "-t", "demo", "clear", "Enter")
        time.sleep(0.5)
        tmux("send-keys", "-t", "demo", "rundruf demo --once", "Enter")
        running, screen = "", ""
        while "rundruf --help" not in screen:
            time.sleep(0.15)
            screen = tmux("capture-pane", "-e", "-p", "-t", "demo")
            if re.search(r" (1[0-7])/23", plain(screen)):
                running = screen
        tmux("kill-server")
        return running, screen


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def drawn(lines):
    """ANSI colours as HTML."""
    out, bold, dim, colour = [], False, False, None
    for part in re.split(r"(\x1b\[[0-9;]*m)", "\n".join(lines).rstrip()):
        code = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
        if not code:
            style = ("font-weight:bold;" if bold else "") + ("opacity:.45;" if dim else "")
            style += f"color:{COLOURS[colour]}" if colour in COLOURS else ""
            out.append(f'<span style="{style}">{html.escape(part)}</span>' if style else html.escape(part))
            continue
        for number in (int(one or 0) for one in code[1].split(";")):
            if number == 0:
                bold, dim, colour = False, False, None
            elif number in (1, 2, 22):
                bold, dim = number == 1 or bold and number != 22, number == 2 or dim and number != 22
            elif number == 39 or number in COLOURS:
                colour = None if number == 39 else number
    return "<pre>" + "".join(out) + "</pre>"


def section(screen, first, last=None):
    """The lines from the first that holds `first` up to the next that holds `last`."""
    lines = screen.split("\n")
    begin = next(at for at, line in enumerate(lines) if first in plain(line))
    end = next((at for at, line in enumerate(lines) if last and at > begin and last in plain(line)), None)
    return lines[begin:end]


def main():
    running, ended = screens(sys.argv[1])
    panes = (
        drawn(section(running, "── 2 ")),
        drawn(section(ended, "── 4 ", "Failed after it had been sent")),
        drawn(section(ended, "── 6 ", "── 7 ")),
    )
    target = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo.png")
    with tempfile.TemporaryDirectory() as folder:
        page = f"{folder}/page.html"
        with open(page, "w", encoding="utf-8") as file:
            file.write(PAGE.format("".join(panes)))
        rows = sum(pane.count("\n") + 1 for pane in panes)
        size = f"--window-size=756,{int(rows * 18.1) + 3 * 34 + 2 * 18 + 44}"
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1.6", size]
        subprocess.run(["chromium", *options, f"--screenshot={target}", page], check=True, capture_output=True)
    subprocess.run(["pngquant", "--force", "--output", target, "64", target], check=True)


main()
