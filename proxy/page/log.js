// SPDX-License-Identifier: MIT

/*
 * Logs: what was said, a log a room.
 *
 * Rows wait in a queue and are built a batch a frame.  They stand in chunks,
 * which the browser neither lays out nor paints while they are out of sight;
 * the oldest chunk goes when there are too many rows.
 */

const ROWS_KEPT = 12000;
const ROWS_CHUNK = 100;
const ROWS_BATCH = 250;  /* of a frame */
const SAME_BREATH = 5 * 60 * 1000; /* ms in which a name isn't repeated */
const NEAR = 48; /* px from the end that still count as the end */

class Log {
	constructor(room) {
		this.room = room;
		this.seq = 0;    /* all up to here is known */
		this.anchor = 0; /* number of something said in the room */
		this.rows = 0;
		this.queue = [];
		this.last = null; /* row */
		this.day = "";
		this.at_end = true;
		this.unseen = 0; /* rows below what is in sight */
		this.top = 0;
		this.scheduled = false;
		this.fresh = null; /* the line above what is new */
		this.e = make("div", "log");
		this.e.setAttribute("role", "log");
		this.e.setAttribute("aria-label", "Conversation");
		this.e.tabIndex = 0;
		this.list = make("div", "list");
		this.e.append(this.list);
		this.e.addEventListener("scroll", () => this.scrolled(),
		    { passive: true });
		this.sizes = new ResizeObserver(() => this.stick());
		this.sizes.observe(this.list);
		this.sizes.observe(this.e);
	}

	/* Adds a row; see row_make. */
	put(row) {
		this.queue.push(row);
		if (this.scheduled)
			return;
		this.scheduled = true;
		const work = () => {
			this.scheduled = false;
			this.work();
		};
		if (document.hidden)
			setTimeout(work, 200);
		else
			requestAnimationFrame(work);
	}

	/* Builds a batch of rows. */
	work() {
		const batch = this.queue.splice(0, ROWS_BATCH);
		let to = this.list.lastElementChild;
		for (const row of batch) {
			if (!to || to.childElementCount >= ROWS_CHUNK) {
				to = make("div", "chunk");
				this.list.append(to);
			}
			this.add(to, row);
		}
		while (this.rows > ROWS_KEPT) {
			this.rows -= this.list.firstElementChild.childElementCount;
			this.list.firstElementChild.remove();
		}
		this.stick();
		show_newer();
		if (this.queue.length > 0)
			this.put(this.queue.pop());
	}

	/* At once: what one does oneself shows at once. */
	flush() {
		while (this.queue.length > 0)
			this.work();
	}

	add(to, row) {
		const day = day_format.format(row.time);
		if (day !== this.day && row.kind !== "rule") {
			if (this.day || day !== day_format.format(new Date()))
				this.append(to, row_make(
				    { kind: "rule", text: day }, null));
			this.day = day;
			this.last = null;
		}
		if (row.fresh && !this.fresh) {
			this.fresh = row_make(
			    { kind: "rule", text: "New", classes: "fresh" }, null);
			this.append(to, this.fresh);
			this.last = null;
		}
		this.append(to, row_make(row, this.last));
		this.last = row;
		if (!this.at_end && row.counts)
			this.unseen++;
	}

	append(to, e) {
		to.append(e);
		this.rows++;
	}

	/* What was new has been seen. */
	seen() {
		if (this.fresh && this.fresh.isConnected) {
			this.fresh.remove();
			this.rows--;
		}
		this.fresh = null;
	}

	distance() {
		return this.e.scrollHeight - this.e.clientHeight -
		    this.e.scrollTop;
	}

	stick() {
		if (this.at_end)
			this.e.scrollTop = this.e.scrollHeight;
	}

	/* The end is left by scrolling up, not by what grows below. */
	scrolled() {
		if (this.distance() < NEAR) {
			this.at_end = true;
			this.unseen = 0;
		} else if (this.e.scrollTop < this.top) {
			this.at_end = false;
		}
		this.top = this.e.scrollTop;
		show_newer();
	}

	to_end() {
		this.at_end = true;
		this.unseen = 0;
		this.stick();
		show_newer();
	}
}

const LOGS_KEPT = 10;
const logs = new Map(); /* by folded room, the least recently shown first */
let log = null;         /* the one in sight */

/* Shows the log of a room. */
function log_show(room) {
	const key = fold(room);
	const next = logs.get(key) || new Log(room);
	logs.delete(key);
	logs.set(key, next);
	for (const [old, it] of logs) {
		if (logs.size <= LOGS_KEPT)
			break;
		it.e.remove();
		it.sizes.disconnect();
		logs.delete(old);
	}
	if (!next.e.isConnected)
		$("logs").append(next.e);
	for (const it of logs.values())
		it.e.hidden = it !== next;
	log = next;
	log.room = room;
	log.to_end();
}

function show_newer() {
	const e = $("newer");
	e.hidden = !log || log.at_end;
	e.textContent = log && log.unseen > 0 ?
	    `\u2193 ${log.unseen} new` : "\u2193 Latest";
}

/*
 * A row: kind, time and, as it has them, name, text, own (one's own line),
 * mark (an element that says how it fares), mention, quoted, classes, fresh
 * (the first that is new), counts (as something to be read).
 */
function row_make(row, last) {
	switch (row.kind) {
	case "message":
	case "action":
	case "private":
		return row_said(row, last);
	case "event":
		return row_line(row, "event");
	case "error":
		return row_line(row, "error");
	case "reply":
		return row_line(row, "reply");
	default:
		return row_rule(row);
	}
}

function row_classes(e, row) {
	for (const name of ["own", "mention", "quoted"])
		if (row[name])
			e.classList.add(name);
	if (row.classes)
		e.classList.add(row.classes);
}

/* Does it go on with what the same one has just said? */
function goes_on(row, last) {
	return last && last.kind === row.kind && row.kind === "message" &&
	    last.name === row.name && !last.quoted === !row.quoted &&
	    row.time - last.time < SAME_BREATH;
}

function row_said(row, last) {
	const e = make("div", "row " + row.kind);
	const by = make("p", "by"), text = make("p", "text");
	const who = make("span", "who " + hue(row.name), row.name);
	row_classes(e, row);
	if (row.kind === "action") {
		const face = make_face("\u2736", "star");
		text.append(who, " ");
		add_text(text, row.text);
		e.append(face, text, " ", make_time(row.time));
	} else {
		if (goes_on(row, last)) {
			e.classList.add("on");
			who.classList.add("sr");
		} else {
			e.append(make_face(row.name, ""));
		}
		by.append(who, " ");
		if (row.kind === "private")
			by.append(make("span", "tag", row.to ?
			    "to " + row.to + ", in private" : "to you alone"),
			    " ");
		by.append(make_time(row.time));
		add_text(text, row.text);
		e.append(by, text);
	}
	if (row.mark)
		e.append(row.mark);
	return e;
}

function row_line(row, kind) {
	const e = make("div", "row " + kind);
	const text = make(kind === "reply" ? "pre" : "p", "text");
	row_classes(e, row);
	if (row.name)
		text.append(make("span", "who " + hue(row.name), row.name), " ");
	add_text(text, row.text);
	e.append(text);
	if (kind === "event")
		e.append(make_time(row.time));
	return e;
}

function row_rule(row) {
	const e = make("div", "rule");
	row_classes(e, row);
	e.append(make("span", "", row.text));
	return e;
}
