// SPDX-License-Identifier: MIT

/*
 * The box for messages: completion, lines typed before, growing.
 *
 * What is typed as a command, or behind an @, shows what it may become.  Tab
 * completes, and moves on as everywhere else where there is nothing to
 * complete.  Enter takes a choice only if the arrows have gone to it.
 */

const COMMANDS = [
	["join", "ROOM [PASSWORD]", "go to another room"],
	["msg", "NAME TEXT", "say something to NAME alone"],
	["me", "TEXT", "say what you do"],
	["nick", "NAME [PASSWORD]", "take another name"],
	["topic", "[TEXT]", "show the topic, or set it"],
	["who", "[ROOM]", "who is here, or in ROOM"],
	["rooms", "", "the rooms there are"],
	["history", "[N]", "what was said last"],
	["search", "WORDS", "find what was said"],
	["ignore", "NAME", "read nothing of NAME any more"],
	["unignore", "NAME", "the reverse"],
	["whoami", "", "your name, room and address"],
	["help", "", "all commands of the server"],
	["quit", "", "leave"],
];
const CHOICES_SHOWN = 20;
const RECALL_KEPT = 100;

const box = $("message");
let choices = [];    /* { word, text, note } */
let chosen = -1;
let word_from = 0;   /* what a choice replaces */
const recalled = []; /* what was sent, the oldest first */
let recall_at = -1;

/* What the word before the cursor may become; `eager` if Tab asks. */
function find_choices(eager) {
	const upto = box.value.slice(0, box.selectionStart);
	const word = /\S*$/.exec(upto)[0];
	const command = /^\/(\w+)\s+(\S*)$/.exec(upto);
	word_from = upto.length - word.length;
	if (/^\/\w*$/.test(upto))
		return COMMANDS.filter((c) => c[0].startsWith(
		    fold(word.slice(1)))).map((c) => ({
			word: "/" + c[0] + (c[1] ? " " : ""),
			text: "/" + c[0] + (c[1] ? " " + c[1] : ""),
			note: c[2],
		}));
	if (command && /^(join|who)$/i.test(command[1]))
		return of_names(rooms.map((it) => it.name), word, "", "");
	if (command && /^(msg|ignore|unignore)$/i.test(command[1]))
		return of_names(people.values(), word, "", " ");
	if (word.startsWith("@"))
		return of_names(people.values(), word.slice(1), "@", " ");
	if (eager && word)
		return of_names(people.values(), word, "",
		    word_from === 0 ? ": " : " ");
	return [];
}

function of_names(names, begin, before, after) {
	return [...names].filter((name) => !same(name, me.name) &&
	    !same(name, me.room) && fold(name).startsWith(fold(begin))).sort()
	    .map((name) => ({ word: before + name + after, text: name,
		note: "" }));
}

function show_choices(found) {
	const list = $("choices");
	choices = found.slice(0, CHOICES_SHOWN);
	chosen = -1;
	list.replaceChildren(...choices.map((it, i) => {
		const li = make("li", "", it.text);
		li.id = "choice-" + i;
		li.setAttribute("role", "option");
		li.setAttribute("aria-selected", "false");
		if (it.note)
			li.append(make("span", "note", it.note));
		return li;
	}));
	list.hidden = choices.length === 0;
	box.removeAttribute("aria-activedescendant");
}

function choose(i) {
	chosen = (i + choices.length) % choices.length;
	for (const li of $("choices").children)
		li.setAttribute("aria-selected",
		    String(li.id === "choice-" + chosen));
	$("choice-" + chosen).scrollIntoView({ block: "nearest" });
	box.setAttribute("aria-activedescendant", "choice-" + chosen);
}

function take(choice) {
	const end = box.selectionStart;
	box.setRangeText(choice.word, word_from, end, "end");
	show_choices(choice.word.startsWith("/") ? find_choices(false) : []);
	grow();
}

/* Tab: one choice is taken, several are shown.  False if there is none. */
function complete() {
	if (!$("choices").hidden) {
		take(choices[Math.max(chosen, 0)]);
		return true;
	}
	const found = box.value && box.selectionStart === box.selectionEnd ?
	    find_choices(true) : [];
	if (found.length === 1)
		take(found[0]);
	else
		show_choices(found);
	return found.length > 0;
}

function grow() {
	box.style.height = "auto";
	box.style.height = Math.min(box.scrollHeight + 2, 160) + "px";
}

function recall(step) {
	if (recall_at < 0 && (box.value !== "" || step > 0))
		return false;
	const at = recall_at < 0 ? recalled.length - 1 : recall_at + step;
	if (at < 0 || recalled.length === 0)
		return true;
	recall_at = at < recalled.length ? at : -1;
	box.value = recall_at < 0 ? "" : recalled[at];
	grow();
	return true;
}

/* Puts a text into the box, to be gone on with. */
function compose(text) {
	box.value = text;
	box.focus();
	box.setSelectionRange(text.length, text.length);
	show_choices(find_choices(false));
	grow();
}

/* Takes what was typed; a password isn't to be read again. */
function typed() {
	const text = box.value;
	const kept = text.replace(/^(\/(?:join|nick)\s+\S+)\s[^]*$/i, "$1");
	if (kept && recalled[recalled.length - 1] !== kept)
		recalled.push(kept);
	if (recalled.length > RECALL_KEPT)
		recalled.shift();
	recall_at = -1;
	box.value = "";
	show_choices([]);
	grow();
	return text;
}

function on_arrow(e) {
	const step = e.key === "ArrowDown" ? 1 : -1;
	if (choices.length > 0) {
		choose(chosen < 0 && step < 0 ? -1 : chosen + step);
		return true;
	}
	return recall(step);
}

box.addEventListener("keydown", (e) => {
	let done = false;
	if (e.isComposing || e.ctrlKey || e.altKey || e.metaKey)
		return;
	if (e.key === "Enter" && !e.shiftKey) {
		if (chosen >= 0)
			take(choices[chosen]);
		else
			$("say").requestSubmit();
		done = true;
	} else if (e.key === "Tab" && !e.shiftKey) {
		done = complete();
	} else if (e.key === "Escape") {
		show_choices([]);
	} else if (e.key === "ArrowUp" || e.key === "ArrowDown") {
		done = on_arrow(e);
	} else if (e.key === "PageUp" || e.key === "PageDown") {
		log.e.scrollBy(0, (e.key === "PageUp" ? -0.9 : 0.9) *
		    log.e.clientHeight);
		done = true;
	}
	if (done)
		e.preventDefault();
});

box.addEventListener("input", () => {
	recall_at = -1;
	show_choices(find_choices(false));
	grow();
});
box.addEventListener("blur", () => show_choices([]));
$("choices").addEventListener("pointerdown", (e) => {
	const li = e.target.closest("li");
	e.preventDefault(); /* the box stays in focus */
	if (li)
		take(choices[Number(li.id.slice("choice-".length))]);
});
