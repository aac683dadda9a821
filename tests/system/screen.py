# SPDX-License-Identifier: MIT
"""A terminal's screen, and programs under a pseudo-terminal that draw on it.

Screen is what a terminal such as xterm shows: a pure function of the bytes
written to it.  It knows the sequences of ECMA-48 and of the VT102 that
clients use, UTF-8, wide and combining characters, and the margin at which
text wraps only once there is more of it.  What it doesn't know, and what no
program should write, it notes in `strange` and leaves out.

Program runs a command under a pseudo-terminal whose screen that is.
"""
import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unicodedata

from lib import die_with_parent
from peers import DEADLINE

_NEW_STATE = {"[": "csi", "]": "string", "P": "string", "_": "string",
              "^": "string", "X": "string", "(": "skip", ")": "skip",
              "*": "skip", "+": "skip", "#": "skip", "%": "skip",
              " ": "skip"}
_SILENT_MODES = {"h", "l"}  # of which only some change what is seen here


def char_width(char):
    """Columns: 0 for one that joins the one before."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cells_of(text):
    """The cells that a text takes, as in a Screen."""
    cells = []
    for char in text:
        width = char_width(char)
        if width > 0:
            cells += [char] + [""] * (width - 1)
        elif cells:
            cells[-1 if cells[-1] else -2] += char
    return cells


def split_cursor(line):
    """A line with its cursor written as |: the text, and its place."""
    text = line.replace("|", "", 1)
    assert "|" in line and "|" not in text, line
    return text, line.index("|")


class Screen:
    """Rows and columns count from 0.  A cell is its text: a character and
    those that joined it, " " for a blank, "" for a wide one's second half."""

    def __init__(self, rows=24, columns=80):
        self.rows = rows
        self.columns = columns
        self.scrolled = []   # text of the rows that left it at the top
        self.strange = []    # what was written and means nothing
        self.replies = b""   # what the terminal says to the program
        self.bells = 0
        self.title = ""
        self._cells = [self._blank_row() for _ in range(rows)]
        self._other = None   # the screen behind the alternate one
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._state = "text"
        self._sequence = ""
        self._reset()

    def _reset(self):
        self.row = self.column = 0
        self._margin = False  # the last column is written, the next wraps
        self._saved = (0, 0)
        self._top = 0
        self._bottom = self.rows - 1
        self._wraps = True
        self._inserts = False

    def _blank_row(self):
        return [" "] * self.columns

    # What is seen.

    @property
    def cursor(self):
        return self.row, self.column

    def line(self, row):
        """A row's text, without the blanks at its end."""
        return "".join(self._cells[row]).rstrip(" ")

    def lines(self):
        """All rows down to the last that holds something or the cursor."""
        last = self.row
        for row in range(self.row + 1, self.rows):
            if self.line(row):
                last = row
        return [self.line(row) for row in range(last + 1)]

    def all_lines(self):
        """The same, after what has scrolled away."""
        return self.scrolled + self.lines()

    def shows_line(self, line, prompt=""):
        """Is this, with its cursor as |, being edited at the bottom?

        All of it if it fits, with the last column left empty; else a part
        with the cursor in it."""
        text, at = split_cursor(prompt + line)
        cells = cells_of(text)
        offset = len(cells_of(text[:at])) - self.column
        if offset < 0 or offset > 0 and len(cells) < self.columns - 1:
            return False
        seen = cells[offset:offset + self.columns - 1]
        # Of a wide character that is cut nothing is seen.
        if seen and seen[0] == "":
            seen[0] = " "
        if seen and cells[offset + len(seen):][:1] == [""]:
            seen[-1] = " "
        return self.line(self.row) == "".join(seen).rstrip(" ") and \
            self.row == len(self.lines()) - 1

    def show(self):
        """For people: the screen in a frame, and the cursor."""
        out = [f"  {line}" for line in self.scrolled[-5:]]
        out.append("+" + "-" * self.columns + "+")
        out += ["|" + "".join(cells) + "|" for cells in self._cells]
        out.append("+" + "-" * self.columns + "+")
        out.append(f"cursor in row {self.row}, column {self.column}")
        if self.strange:
            out.append(f"strange: {self.strange[:20]!r}")
        return "\n".join(out)

    # What happens to it.

    def write(self, data):
        """Bytes, cut anywhere."""
        for char in self._decoder.decode(data):
            getattr(self, "_in_" + self._state)(char)

    def resize(self, rows, columns):
        """As xterm does: nothing is wrapped anew, what is beyond the border
        is gone, and rows leave at the top if the cursor's would not fit."""
        while self.row >= rows:
            self._leave_top(self._cells.pop(0))
            self.row -= 1
        del self._cells[rows:]
        for cells in self._cells:
            del cells[columns:]
            cells += [" "] * (columns - len(cells))
            if cells[-1] != " " and char_width(cells[-1][0]) == 2:
                cells[-1] = " "
        self.rows, self.columns = rows, columns
        while len(self._cells) < rows:
            self._cells.append(self._blank_row())
        self._top, self._bottom = 0, rows - 1
        self._margin = False
        self.column = min(self.column, columns - 1)

    def _note(self, what):
        self.strange.append(what)

    # Text and controls.

    def _in_text(self, char):
        if char == "\x1b":
            self._state = "escape"
            self._sequence = ""
        elif char < " " or "\x7f" <= char < "\xa0":
            self._control(char)
        elif char == "\ufffd":
            self._note(char)
        else:
            self._put(char)

    def _control(self, char):
        if char == "\r":
            self.column = 0
            self._margin = False
        elif char in "\n\v\f":
            self._line_feed()
        elif char == "\b":
            self.column = max(self.column - 1, 0)
            self._margin = False
        elif char == "\t":
            self.column = min(self.column // 8 * 8 + 8, self.columns - 1)
            self._margin = False
        elif char == "\a":
            self.bells += 1
        elif char not in "\0\x0e\x0f":
            self._note(char)

    def _put(self, char):
        width = char_width(char)
        if width == 0:
            self._join(char)
            return
        if self._wraps and (self._margin or
                            self.column + width > self.columns):
            self.column = 0
            self._line_feed()
        self.column = min(self.column, self.columns - width)
        if self._inserts:
            self._insert_cells(width)
        for i in range(width):
            self._clear_cell(self.column + i)
        cells = self._cells[self.row]
        cells[self.column] = char
        if width == 2:
            cells[self.column + 1] = ""
        self.column += width
        self._margin = self.column == self.columns
        self.column = min(self.column, self.columns - 1)

    def _join(self, char):
        """To the character before the cursor."""
        cells = self._cells[self.row]
        at = self.column if self._margin else self.column - 1
        if at > 0 and cells[at] == "":
            at -= 1
        if at < 0:
            self._note(f"{char!r} joins nothing")
        else:
            cells[at] += char

    def _clear_cell(self, column):
        """The other half of a wide character goes with it."""
        cells = self._cells[self.row]
        if cells[column] == "" and column > 0:
            cells[column - 1] = " "
        if column + 1 < self.columns and cells[column + 1] == "":
            cells[column + 1] = " "
        cells[column] = " "

    def _clear(self, begin, end):
        for column in range(begin, end):
            self._clear_cell(column)

    # Scrolling.

    def _leave_top(self, cells):
        if self._other is None:
            self.scrolled.append("".join(cells).rstrip(" "))

    def _scroll_up(self, top, count=1, leaving=True):
        for _ in range(min(count, self._bottom - top + 1)):
            cells = self._cells.pop(top)
            if top == 0 and leaving:
                self._leave_top(cells)
            self._cells.insert(self._bottom, self._blank_row())

    def _scroll_down(self, top, count=1):
        for _ in range(min(count, self._bottom - top + 1)):
            del self._cells[self._bottom]
            self._cells.insert(top, self._blank_row())

    def _line_feed(self):
        self._margin = False
        if self.row == self._bottom:
            self._scroll_up(self._top)
        else:
            self.row = min(self.row + 1, self.rows - 1)

    def _reverse_line_feed(self):
        self._margin = False
        if self.row == self._top:
            self._scroll_down(self._top)
        else:
            self.row = max(self.row - 1, 0)

    # Sequences.

    def _in_escape(self, char):
        self._state = _NEW_STATE.get(char, "text")
        if self._state != "text":
            return
        if char == "M":
            self._reverse_line_feed()
        elif char == "D":
            self._line_feed()
        elif char == "E":
            self.column = 0
            self._line_feed()
        elif char == "7":
            self._saved = self.cursor
        elif char == "8":
            self._move(*self._saved)
        elif char == "c":
            self._cells = [self._blank_row() for _ in range(self.rows)]
            self._reset()
        elif char not in "=>\\H":
            self._note("ESC " + char)

    def _in_skip(self, _char):
        self._state = "text"

    def _in_string(self, char):
        """OSC, DCS and the like, to BEL or ST."""
        self._sequence += char
        if char == "\a" or self._sequence.endswith("\x1b\\"):
            title = re.match("[02];([^\x07\x1b]*)", self._sequence)
            if title:
                self.title = title.group(1)
            self._state = "text"
        elif len(self._sequence) > 4096:
            self._note("a string without end")
            self._state = "text"

    def _in_csi(self, char):
        if char == "\x1b":
            self._note("CSI " + self._sequence + " cut")
            self._state = "escape"
            self._sequence = ""
        elif char < " ":
            self._control(char)
        elif "@" <= char <= "~":
            self._state = "text"
            self._csi(self._sequence, char)
        else:
            self._sequence += char
            if len(self._sequence) > 64:
                self._note("a sequence without end")
                self._state = "text"

    def _csi(self, parameters, final):
        if parameters[:1] in ("?", ">", "<", "="):
            self._private(parameters, final)
            return
        try:
            numbers = [int(n or 0) for n in parameters.split(";")]
            function = _FUNCTIONS[final]
        except (ValueError, KeyError):
            self._note(f"CSI {parameters} {final}")
            return
        function(self, numbers)

    def _private(self, parameters, final):
        if final in _SILENT_MODES and parameters[0] == "?":
            for mode in parameters[1:].split(";"):
                if mode == "7":
                    self._wraps = final == "h"
                elif mode in ("47", "1047", "1049"):
                    self._alternate(final == "h")
        elif final == "c":
            self.replies += b"\x1b[>0;0;0c"
        elif final not in "mnqpurs":
            self._note(f"CSI {parameters} {final}")

    def _alternate(self, on):
        if on and self._other is None:
            self._other = self._cells, self.cursor
            self._cells = [self._blank_row() for _ in range(self.rows)]
        elif not on and self._other is not None:
            self._cells, cursor = self._other
            self._other = None
            self._move(*cursor)

    def _move(self, row, column):
        self._margin = False
        self.row = min(max(row, 0), self.rows - 1)
        self.column = min(max(column, 0), self.columns - 1)

    def _step(self, rows, columns):
        """Not over the ends of the scrolling region."""
        row = self.row + rows
        if self.row >= self._top:
            row = max(row, self._top)
        if self.row <= self._bottom:
            row = min(row, self._bottom)
        self._move(row, self.column + columns)

    def _erase_in_line(self, numbers):
        self._margin = False
        self._clear(0 if numbers[0] else self.column,
                    self.column + 1 if numbers[0] == 1 else self.columns)

    def _erase_in_display(self, numbers):
        if numbers[0] == 3:
            self.scrolled = []
            return
        if numbers[0] < 2:
            self._erase_in_line(numbers)
        begin = self.row + 1 if numbers[0] == 0 else 0
        end = self.row if numbers[0] == 1 else self.rows
        for row in range(begin, end):
            self._cells[row] = self._blank_row()

    def _insert_cells(self, count):
        cells = self._cells[self.row]
        if cells[self.column] == "":
            self._clear_cell(self.column)
        cells[self.column:self.column] = [" "] * count
        del cells[self.columns:]

    def _delete_cells(self, count):
        count = min(count, self.columns - self.column)
        self._clear(self.column, self.column + count)
        cells = self._cells[self.row]
        del cells[self.column:self.column + count]
        cells += [" "] * count

    def _region(self, numbers):
        top, bottom = (numbers + [0, 0])[:2]
        self._top = max(top, 1) - 1
        self._bottom = min(bottom or self.rows, self.rows) - 1
        if self._top >= self._bottom:
            self._top, self._bottom = 0, self.rows - 1
        self._move(0, 0)

    def _repeat(self, count):
        """The character before the cursor, again."""
        char = self._cells[self.row][self.column - (not self._margin)]
        for _ in range(count):
            self._put(char[:1] or " ")

    def _modes(self, numbers, on):
        if 4 in numbers:
            self._inserts = on

    def _report(self, numbers):
        if numbers[0] == 6:
            self.replies += b"\x1b[%d;%dR" % (self.row + 1, self.column + 1)
        elif numbers[0] == 5:
            self.replies += b"\x1b[0n"

    def _identify(self):
        self.replies += b"\x1b[?1;2c"

    def _restore(self):
        self._move(*self._saved)

    def _save(self):
        self._saved = self.cursor


def _place(screen, numbers):
    row, column = (numbers + [0, 0])[:2]
    screen._move(max(row, 1) - 1, max(column, 1) - 1)


# pylint: disable=protected-access
_FUNCTIONS = {
    "@": lambda s, n: s._insert_cells(max(n[0], 1)),
    "A": lambda s, n: s._step(-max(n[0], 1), 0),
    "B": lambda s, n: s._step(max(n[0], 1), 0),
    "C": lambda s, n: s._step(0, max(n[0], 1)),
    "D": lambda s, n: s._step(0, -max(n[0], 1)),
    "E": lambda s, n: s._step(max(n[0], 1), -s.column),
    "F": lambda s, n: s._step(-max(n[0], 1), -s.column),
    "G": lambda s, n: s._move(s.row, max(n[0], 1) - 1),
    "H": _place,
    "J": lambda s, n: s._erase_in_display(n),
    "K": lambda s, n: s._erase_in_line(n),
    "L": lambda s, n: s._scroll_down(s.row, max(n[0], 1)),
    "M": lambda s, n: s._scroll_up(s.row, max(n[0], 1), False),
    "P": lambda s, n: s._delete_cells(max(n[0], 1)),
    "S": lambda s, n: s._scroll_up(s._top, max(n[0], 1)),
    "T": lambda s, n: s._scroll_down(s._top, max(n[0], 1)),
    "X": lambda s, n: s._clear(
        s.column, min(s.column + max(n[0], 1), s.columns)),
    "b": lambda s, n: s._repeat(max(n[0], 1)),
    "c": lambda s, n: s._identify(),
    "d": lambda s, n: s._move(max(n[0], 1) - 1, s.column),
    "f": _place,
    "g": lambda s, n: None,
    "h": lambda s, n: s._modes(n, True),
    "l": lambda s, n: s._modes(n, False),
    "m": lambda s, n: None,
    "n": lambda s, n: s._report(n),
    "r": lambda s, n: s._region(n),
    "s": lambda s, n: s._save(),
    "t": lambda s, n: None,
    "u": lambda s, n: s._restore(),
}


class Program:
    """A program under a pseudo-terminal; it ends with the test."""

    def __init__(self, context, *command, rows=24, columns=80, term="xterm",
                 env=None):
        self.screen = Screen(rows, columns)
        self.ended = False
        self.written = b""  # all that it has written
        self.master, slave = pty.openpty()
        self._set_size(rows, columns)

        def prepare():
            die_with_parent()
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave,
            preexec_fn=prepare, cwd=context.tmp,
            env={"PATH": os.environ["PATH"] + ":/usr/games", "TERM": term,
                 "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
                 "HOME": context.tmp, **(env or {})})
        os.close(slave)
        context.peers.append(self)

    def _set_size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        """The kernel tells the program by SIGWINCH."""
        self.pump(0)
        self.screen.resize(rows, columns)
        self._set_size(rows, columns)

    def type(self, text):
        """Keys, all at once."""
        data = text if isinstance(text, bytes) else text.encode()
        while data:
            self.pump(0)  # or both sides might wait for the other
            ready = select.select([], [self.master], [], 0.1)[1]
            if ready:
                data = data[os.write(self.master, data[:512]):]

    def echoes(self):
        """Does the terminal echo by itself what is typed?"""
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def pump(self, seconds):
        """Takes what the program writes, for at most so long."""
        if self.ended:
            time.sleep(min(seconds, 0.01))
            return
        while select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 1 << 16)
            except OSError:  # the last one has closed the other end
                data = b""
            if not data:
                self.ended = True
                return
            self.written += data
            self.screen.write(data)
            if self.screen.replies:
                os.write(self.master, self.screen.replies)
                self.screen.replies = b""
            seconds = 0

    def wait_screen(self, condition, what, deadline=DEADLINE):
        """Until condition(screen) holds; returns what it returned."""
        end = time.monotonic() + deadline
        while True:
            result = condition(self.screen)
            if result:
                return result
            if time.monotonic() > end:
                raise AssertionError(f"not within {deadline:g} s: {what}\n"
                                     f"{self.screen.show()}")
            self.pump(0.05)

    def wait_rows(self, *rows, cursor=None):
        """These are the last rows, what has scrolled away included; and
        the cursor is in the last one, in that column, if it is given."""
        def there(screen):
            return screen.all_lines()[-len(rows):] == list(rows) and (
                cursor is None or
                screen.cursor == (len(screen.lines()) - 1, cursor))
        where = "" if cursor is None else f"\ncursor in column {cursor}"
        self.wait_screen(there, "these rows:\n" + "\n".join(rows) + where)

    def wait_line(self, line, above=(), prompt=""):
        """This is being edited, its cursor written as |, below these rows."""
        above = list(above)

        def there(screen):
            return screen.shows_line(line, prompt) and \
                (not above or
                 screen.all_lines()[-len(above) - 1:-1] == above)
        self.wait_screen(
            there, "\n".join(["this line:", prompt + line, "below:"] + above))

    def wait_seen(self, text):
        """Somewhere."""
        self.wait_screen(
            lambda s: any(text in line for line in s.all_lines()),
            f"{text!r} is seen")

    def wait_keys(self):
        """Until each key goes to the server, which echoes."""
        self.wait_screen(lambda s: not self.echoes(), "it sends keys")

    def wait_end(self):
        """Until all that it wrote is on the screen; its exit code."""
        self.wait_screen(lambda s: self.ended, "the end")
        return self.process.wait(DEADLINE)

    def kill(self):
        """The program and what it has started."""
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                self.process.kill()
        self.process.wait()

    def close(self):
        self.kill()
        if self.master >= 0:
            os.close(self.master)
            self.master = -1
