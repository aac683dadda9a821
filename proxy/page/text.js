// SPDX-License-Identifier: MIT
"use strict";

/*
 * Texts and elements.  What comes from elsewhere becomes a text node, never
 * markup: nothing in this page parses HTML, and the policy forbids it.
 */

function $(id) {
	return document.getElementById(id);
}

/* A new element. */
function make(tag, classes, text) {
	const e = document.createElement(tag);
	if (classes)
		e.className = classes;
	if (text !== undefined)
		e.textContent = text;
	return e;
}

/* The text as the server will make it safe, so that both look the same. */
function clean(text) {
	return text.replace(/\p{Cs}/gu, "\ufffd").replace(
	    /[\0-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g, "");
}

/* Names of users and rooms compare without ASCII case. */
function fold(name) {
	return name.replace(/[A-Z]/g, (c) => c.toLowerCase());
}

function same(a, b) {
	return fold(a) === fold(b);
}

function bytes(text) {
	return new TextEncoder().encode(text).length;
}

/* The class of a name's colour. */
function hue(name) {
	let h = 0x811c9dc5;
	for (const c of fold(name))
		h = Math.imul(h ^ c.codePointAt(0), 0x01000193);
	return "c" + ((h ^ h >>> 15) >>> 0) % 9;
}

/*
 * The face of a name, a coloured square with a letter.  It is drawn by the
 * style, so that it is neither read out nor copied with the text.
 */
function make_face(name, classes) {
	const e = make("span", `face ${classes} ${hue(name)}`);
	e.dataset.letter = String.fromCodePoint(name.codePointAt(0))
	    .toUpperCase();
	e.setAttribute("aria-hidden", "true");
	return e;
}

/* Where a link ends: not with what rather belongs to the sentence. */
function link_end(text) {
	let end = text.length;
	for (; end > 0; end--) {
		const last = text[end - 1];
		const upto = text.slice(0, end);
		if (last === ")" &&
		    upto.split("(").length >= upto.split(")").length)
			break;
		if (!/[.,;:!?'")\]}>\u2026]/.test(last))
			break;
	}
	return text.slice(0, end);
}

/* Is it a link that leads where it seems to? */
function link_url(text) {
	try {
		const url = new URL(text);
		return /^https?:$/.test(url.protocol) && !url.username &&
		    !url.password ? url.href : null;
	} catch {
		return null;
	}
}

/* Adds the text to the element, what looks like a link as one. */
function add_text(e, text) {
	let done = 0;
	for (const found of text.matchAll(/\bhttps?:\/\/[^\s<>"]+/gi)) {
		const link = link_end(found[0]), href = link_url(link);
		if (!href)
			continue;
		const a = make("a", "", link);
		a.href = href;
		a.rel = "noopener noreferrer";
		a.target = "_blank";
		e.append(text.slice(done, found.index), a);
		done = found.index + link.length;
	}
	e.append(text.slice(done));
}

/* Does the text have the name as a word of its own? */
function mentions(text, name) {
	const where = text.toLowerCase(), what = name.toLowerCase();
	const word = /[\p{L}\p{N}_]/u;
	for (let at = where.indexOf(what); at >= 0 && what;
	    at = where.indexOf(what, at + 1)) {
		const before = where.slice(0, at).slice(-1);
		const after = where.charAt(at + what.length);
		if (!word.test(before) && !word.test(after))
			return true;
	}
	return false;
}

const clock_format = new Intl.DateTimeFormat(undefined,
    { hour: "2-digit", minute: "2-digit" });
const day_format = new Intl.DateTimeFormat(undefined,
    { weekday: "long", day: "numeric", month: "long" });
const full_format = new Intl.DateTimeFormat(undefined,
    { dateStyle: "medium", timeStyle: "medium" });

function make_time(time) {
	const e = make("time", "", clock_format.format(time));
	e.dateTime = time.toISOString();
	e.title = full_format.format(time);
	return e;
}

/* What a browser may refuse to keep. */
function remember(key, value) {
	try {
		localStorage.setItem("chatmaster." + key, value);
	} catch {
		/* then it is typed again */
	}
}

function remembered(key) {
	try {
		return localStorage.getItem("chatmaster." + key) || "";
	} catch {
		return "";
	}
}
