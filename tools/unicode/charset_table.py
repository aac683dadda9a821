#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write proxy/charset_table.h: what characters become in ASCII, and CP437.

From the top of the tree, with a Python of the wanted version of Unicode:

    python3.12 tools/unicode/charset_table.py >proxy/charset_table.h

Letters lose their marks (NFKD); Greek and Cyrillic are spelt; punctuation,
signs and lines become what looks like them; common emoji become their name in
brackets.  Nothing becomes longer than three times its bytes in UTF-8, and
nothing becomes ':' or '*', by which the lines of the protocol are told apart.
"""
import sys
import unicodedata

GREEK = dict(zip(
    "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ",
    "A B G D E Z I Th I K L M N X O P R S T Y F Ch Ps O".split()))
CYRILLIC = dict(zip(
    "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЄІЇҐЎЂЈЉЊЋЏЅЃЌ",
    "A B V G D E Zh Z I Y K L M N O P R S T U F Kh Ts Ch Sh Shch \" Y ' E Yu "
    "Ya Ye I Yi G U Dj J Lj Nj C Dz Dz Gj Kj".split()))
SPELT = {
    "Æ": "AE", "Ð": "D", "Ø": "O", "Þ": "Th", "ß": "ss", "Đ": "D", "Ħ": "H",
    "ı": "i", "ĸ": "k", "Ł": "L", "Ŋ": "Ng", "Œ": "OE", "Ŧ": "T", "ſ": "s",
    "Ƶ": "Z", "Ə": "E", "ẞ": "SS", "ς": "s",
    "¡": "!", "¢": "c", "£": "GBP", "¤": "$", "¥": "JPY", "¦": "|", "§": "S",
    "¨": '"', "©": "(c)", "«": "<<", "¬": "!", "®": "(r)", "¯": "-",
    "°": "deg", "±": "+-", "´": "'", "µ": "u", "¶": "P", "·": ".", "¸": ",",
    "»": ">>", "¿": "?", "×": "x", "÷": "/",
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "--", "―": "--", "‖": "||",
    "‘": "'", "’": "'", "‚": ",", "‛": "'", "“": '"', "”": '"', "„": '"',
    "‟": '"', "†": "+", "‡": "++", "•": "-", "‣": ">", "…": "...", "‰": "o/oo",
    "′": "'", "″": '"', "‴": "'''", "‵": "`", "‹": "<", "›": ">", "‾": "-",
    "⁄": "/", "⁓": "~", "₣": "FRF", "₤": "GBP", "₦": "NGN", "₩": "KRW",
    "₪": "ILS", "₫": "VND", "€": "EUR", "₱": "PHP", "₴": "UAH", "₹": "INR",
    "₺": "TRY", "₽": "RUB", "₿": "BTC",
    "←": "<-", "↑": "^", "→": "->", "↓": "v", "↔": "<->", "⇐": "<=",
    "⇒": "=>", "⇔": "<=>", "↩": "<-'", "↵": "<-'", "➔": "->", "➜": "->",
    "∀": "All", "∂": "d", "∃": "Ex", "∅": "{}", "∆": "D", "∈": "in",
    "∏": "PI", "∑": "SUM", "−": "-", "∓": "-+", "∕": "/", "∖": "\\",
    "∘": "o", "∙": ".", "√": "V", "∞": "oo", "∧": "&", "∨": "|", "∩": "n",
    "∪": "u", "∫": "S", "≈": "~=", "≠": "!=", "≡": "==", "≤": "<=",
    "≥": ">=", "≪": "<<", "≫": ">>", "⋅": ".", "⋯": "...",
    "■": "#", "□": "[]", "▪": "-", "▫": "-", "▲": "^", "△": "^", "▶": ">",
    "►": ">", "▼": "v", "▽": "v", "◀": "<", "◄": "<", "◆": "<>", "◇": "<>",
    "○": "o", "●": "o", "◦": "o", "☐": "[ ]", "☑": "[x]", "☒": "[x]",
    "✓": "[v]", "✔": "[v]", "✗": "[x]", "✘": "[x]", "♀": "(f)", "♂": "(m)",
    "♩": "(n)", "♪": "(n)", "♫": "(nn)", "♭": "b", "♯": "#",
    "　": " ", "、": ",", "。": ".", "〈": "<", "〉": ">", "《": "<<",
    "》": ">>", "「": '"', "」": '"', "『": '"', "』": '"', "【": "(",
    "】": ")", "〜": "~", "\ufffd": "?",
}
# The names that people use, where they fit; ten letters at most (six for the
# older ones, of three bytes).
EMOJI = {
    "star": "🌟⭐★☆✨", "wave": "👋", "smile": "😀😃😄🙂😊☺", "grin": "😁😆",
    "joy": "😂🤣", "sweat": "😅😓😰", "angel": "😇👼", "wink": "😉",
    "yum": "😋", "relieved": "😌", "love": "😍🥰😘", "cool": "😎",
    "smirk": "😏", "neutral": "😐😑", "unamused": "😒🙄", "kiss": "💋😗😙😚",
    "tongue": "😛😜😝🤪", "sad": "😞😔🙁☹😟😕", "angry": "😠😡😤🤬",
    "cry": "😢🥲", "sob": "😭", "fear": "😨😱", "weary": "😩😫", "yawn": "🥱",
    "sleep": "😴💤😪", "flushed": "😳", "dizzy": "😵💫", "mask": "😷",
    "sick": "🤒🤢🤮🤧", "think": "🤔", "hug": "🤗", "nerd": "🤓",
    "shush": "🤫", "zip": "🤐", "money": "🤑💰💵💶", "party": "🥳🎉🎊",
    "clown": "🤡", "devil": "😈👿", "skull": "💀☠", "ghost": "👻",
    "alien": "👽👾", "robot": "🤖", "poop": "💩", "cat": "🐱🐈😺😸😹😻",
    "dog": "🐶🐕", "mouse": "🐭", "bear": "🐻", "panda": "🐼", "fox": "🦊",
    "frog": "🐸", "pig": "🐷", "cow": "🐮", "monkey": "🐵🙈🙉🙊",
    "chicken": "🐔", "penguin": "🐧", "bird": "🐦", "owl": "🦉",
    "horse": "🐴🐎", "unicorn": "🦄", "bee": "🐝", "bug": "🐛🐞",
    "butterfly": "🦋", "snail": "🐌", "spider": "🕷", "turtle": "🐢",
    "snake": "🐍", "dragon": "🐉🐲", "whale": "🐳🐋", "dolphin": "🐬",
    "fish": "🐟🐠", "octopus": "🐙", "crab": "🦀", "shark": "🦈",
    "thumbs up": "👍", "thumb down": "👎", "ok": "👌🆗", "victory": "✌",
    "fist": "✊👊🤛🤜", "hand": "✋🤚🖐", "clap": "👏", "pray": "🙏",
    "handshake": "🤝", "muscle": "💪", "up": "👆☝⬆🆙", "down": "👇⬇",
    "left": "👈⬅", "right": "👉➡", "fingers x": "🤞", "horns": "🤘",
    "write": "✍📝✏", "shrug": "🤷", "facepalm": "🤦", "run": "🏃",
    "dance": "💃🕺", "eyes": "👀", "eye": "👁", "brain": "🧠", "ear": "👂",
    "baby": "👶", "boy": "👦", "girl": "👧", "man": "👨", "woman": "👩",
    "people": "👥👪", "santa": "🎅", "ninja": "🥷", "wizard": "🧙",
    "heart": "♥❤💓💕💖💗💘💙💚💛💜💝💞💟🖤🤍🧡", "broken": "💔",
    "100": "💯", "anger": "💢", "boom": "💥", "drops": "💦", "dash": "💨",
    "speech": "💬🗨", "thought": "💭", "fire": "🔥", "water": "💧🌊",
    "sun": "☀🌞", "moon": "🌙🌚🌛🌜🌝🌕", "cloud": "☁", "rain": "🌧☔",
    "snow": "❄☃⛄", "bolt": "⚡", "rainbow": "🌈", "earth": "🌍🌎🌏",
    "tree": "🌲🌳🌴🎄", "flower": "🌸🌹🌺🌻🌼🌷💐", "clover": "🍀☘",
    "leaf": "🍁🍂🍃🌿", "cactus": "🌵", "mushroom": "🍄", "apple": "🍎🍏",
    "banana": "🍌", "grapes": "🍇", "melon": "🍉", "lemon": "🍋",
    "cherry": "🍒", "strawb.": "🍓", "peach": "🍑", "avocado": "🥑",
    "bread": "🍞", "cheese": "🧀", "egg": "🥚🍳", "pizza": "🍕",
    "burger": "🍔", "fries": "🍟", "taco": "🌮", "sushi": "🍣", "rice": "🍚",
    "noodles": "🍜", "cake": "🍰🎂", "cookie": "🍪", "icecream": "🍦🍨",
    "chocolate": "🍫", "candy": "🍬🍭", "popcorn": "🍿", "coffee": "☕",
    "tea": "🍵🫖", "beer": "🍺🍻", "wine": "🍷", "cocktail": "🍸🍹",
    "cheers": "🥂", "bottle": "🍾", "gift": "🎁", "balloon": "🎈",
    "trophy": "🏆", "medal": "🏅🥇🥈🥉", "soccer": "⚽", "basketball": "🏀",
    "game": "🎮", "dice": "🎲", "target": "🎯", "art": "🎨", "mic": "🎤",
    "headphone": "🎧", "music": "🎵🎶", "guitar": "🎸", "piano": "🎹",
    "movie": "🎬🎥", "camera": "📷📸", "tv": "📺", "phone": "☎📞📱",
    "computer": "💻🖥", "keyboard": "⌨", "disk": "💾💿", "battery": "🔋",
    "plug": "🔌", "bulb": "💡", "torch": "🔦", "book": "📖📚📕", "news": "📰",
    "mail": "✉📧📨📩📫", "package": "📦", "pencil": "✎", "pin": "📌📍",
    "clip": "📎", "calendar": "📅📆", "chart": "📈📉📊", "memo": "📋",
    "scissor": "✂", "lock": "🔒🔐", "unlock": "🔓", "key": "🔑", "bell": "🔔",
    "mute": "🔇🔕", "sound": "🔊🔉", "megaphone": "📢📣", "search": "🔍🔎",
    "link": "🔗", "tool": "🔧🔨🛠⚒⚙", "bomb": "💣", "knife": "🔪",
    "pill": "💊", "syringe": "💉", "door": "🚪", "house": "🏠🏡",
    "office": "🏢", "car": "🚗🚙", "bus": "🚌", "taxi": "🚕", "truck": "🚚",
    "bike": "🚲", "train": "🚂🚆🚄", "plane": "✈🛫🛬", "rocket": "🚀",
    "ship": "🚢⛵", "anchor": "⚓", "stop": "🛑⛔🚫", "alarm": "⏰🚨",
    "watch": "⌚", "time": "⌛⏳", "check": "✅", "x": "❌❎", "!": "❗❕⚠",
    "?": "❓❔", "+": "➕", "-": "➖", "new": "🆕", "sos": "🆘", "crown": "👑",
    "gem": "💎💍", "hat": "🎩", "glasses": "👓🕶", "shirt": "👕", "flag":
    "🚩🏁🏳🏴⚑", "recycle": "♻", "info": "ℹ", "spade": "♠", "club": "♣",
    "diam.": "♦", "peace": "☮", "yinyang": "☯", "crystal": "🔮", "magic": "🪄",
}
CP437 = bytes(range(0x80, 0x100)).decode("cp437")


def drawn(code):
    """A line or block that consists of little more than a line."""
    name = unicodedata.name(chr(code), "")
    if 0x2500 <= code <= 0x257f:
        directions = sum(word in name for word in
                         ("UP", "DOWN", "LEFT", "RIGHT", "HORIZONTAL",
                          "VERTICAL"))
        if "DIAGONAL" in name:
            return "/" if "RIGHT TO LOWER LEFT" in name else "\\"
        if "HORIZONTAL" in name and "VERTICAL" not in name and \
                directions == 1:
            return "-"
        if "VERTICAL" in name and "HORIZONTAL" not in name and \
                directions == 1:
            return "|"
        return "+"
    if 0x2580 <= code <= 0x259f:
        return "#"
    return None


def plain(code):
    """What a character is in ASCII, or None."""
    char = chr(code)
    if char in SPELT:
        return SPELT[char]
    for alphabet in GREEK, CYRILLIC:
        if char in alphabet:
            return alphabet[char]
        if char.upper() in alphabet and len(char.upper()) == 1:
            return alphabet[char.upper()].lower()
    if drawn(code):
        return drawn(code)
    out = ""
    for part in unicodedata.normalize("NFKD", char):
        if ord(part) < 0x80:
            out += part
        elif unicodedata.combining(part):
            continue
        elif part in SPELT:
            out += SPELT[part]
        elif part.upper() in SPELT and len(part.upper()) == 1:
            out += SPELT[part.upper()].lower()
        elif ord(part) != code and plain(ord(part)):
            out += plain(ord(part))
        else:
            return None
    return out.strip() or (" " if out else None)


def table():
    result = {}
    for code in range(0xa0, 0xfb07):
        # Polytonic Greek, letters in brackets and the squares of CJK
        # typography are rare.
        if 0x1f00 <= code <= 0x1fff or 0x2474 <= code <= 0x24ff or \
                0x3200 <= code <= 0x33ff or is_nothing(code):
            continue
        text = plain(code)
        if text:
            result[code] = text
    lower = {c.lower(): t.lower() for c, t in SPELT.items()
             if c.lower() != c and len(c.lower()) == 1}
    for char, text in lower.items():
        result.setdefault(ord(char), text)
    for name, chars in EMOJI.items():
        for char in chars:
            result[ord(char)] = f"[{name}]"
    return {c: t for c, t in result.items()
            if len(t) <= 3 * len(chr(c).encode()) and
            not set(t) & set(":*") and
            all(0x20 <= ord(x) < 0x7f for x in t)}


def is_nothing(code):
    return unicodedata.category(chr(code)) in ("Co", "Cn", "Cs")


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def rows(items):
    line = "   "
    for item in items:
        if len(line) + len(item) + 2 > 80:
            print(line)
            line = "   "
        line += f" {item},"
    print(line)


print("/* SPDX-License-Identifier: MIT */")
print("/* Made by tools/unicode/charset_table.py from Unicode "
      f"{unicodedata.unidata_version}. */")
print("/* clang-format off */")
print("static const struct spelling spellings[] = {")
entries = sorted(table().items())
longest = max(len(t) for _, t in entries)
assert longest <= 12, longest
rows(f"{{0x{c:x}, {c_string(t)}}}" for c, t in entries)
print("};")
print("static const uint16_t cp437[128] = {")
rows(f"0x{ord(c):04x}" for c in CP437)
print("};")
print("static const struct cp437_byte cp437_bytes[127] = {")
rows(f"{{0x{ord(c):04x}, 0x{i + 0x80:02x}}}"
     for c, i in sorted(zip(CP437[:127], range(127))))
print("};")
print("/* clang-format on */")
print(f"{len(entries)} spellings", file=sys.stderr)
