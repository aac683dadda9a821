/* SPDX-License-Identifier: MIT */
/* proxy/page: what the build has made of the chat page. */
#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

#include "proxy/page.h"

#define LINE_SIZE 512

/* What stands between the two, the first time; its bytes go to len. */
static const char *
between(const char *open, const char *close, size_t *len)
{
	const char *at = memmem(page_bytes, page_size, open, strlen(open));
	const char *end;

	CHECK(at != NULL);
	at += strlen(open);
	end = memmem(
	    at, (size_t)(page_bytes + page_size - at), close, strlen(close));
	CHECK(end != NULL);
	*len = (size_t)(end - at);
	return at;
}

/* The first line that a command says to those bytes. */
static void
filtered(
    const char *command, const char *bytes, size_t len, char line[LINE_SIZE])
{
	FILE *file = tmpfile(), *out;
	char whole[128];

	CHECK(file != NULL);
	CHECK_EQ(fwrite(bytes, 1, len, file), len);
	CHECK_EQ(fflush(file), 0);
	snprintf(whole, sizeof(whole), "%s </dev/fd/%d", command, fileno(file));
	// NOLINTNEXTLINE(cert-env33-c): the commands below
	out = popen(whole, "r");
	CHECK(out != NULL);
	CHECK(fgets(line, LINE_SIZE, out) != NULL);
	CHECK_EQ(pclose(out), 0);
	fclose(file);
}

static void
check_hash(const char *directive, const char *open, const char *close)
{
	char hex[LINE_SIZE], base64[LINE_SIZE] = "", want[LINE_SIZE];
	unsigned char digest[32];
	size_t len;
	const char *content = between(open, close, &len);

	filtered("sha256sum", content, len, hex);
	for (size_t i = 0; i < sizeof(digest); i++) {
		unsigned byte;

		CHECK_EQ(sscanf(hex + 2 * i, "%2x", &byte), 1);
		digest[i] = (unsigned char)byte;
	}
	filtered("base64", (const char *)digest, sizeof(digest), base64);
	base64[strcspn(base64, "\n")] = '\0';
	snprintf(want, sizeof(want), "%s 'sha256-%.64s';", directive, base64);
	CHECK(strstr(page_policy, want) != NULL);
}

TEST(the_policy_has_the_hashes_of_the_one_style_and_the_one_script)
{
	check_hash("style-src", "<style>", "</style>");
	check_hash("script-src", "<script>", "</script>");
}

TEST(the_policy_forbids_all_else)
{
	CHECK(strncmp(page_policy, "default-src 'none';", 19) == 0);
	CHECK(strstr(page_policy, "unsafe") == NULL);
	CHECK(strstr(page_policy, "http") == NULL);
	CHECK(strstr(page_policy, "frame-ancestors 'none'") != NULL);
	CHECK(strstr(page_policy, "base-uri 'none'") != NULL);
	CHECK(strstr(page_policy, "form-action 'none'") != NULL);
}

TEST(the_validator_is_strong_and_that_of_the_content)
{
	char hex[LINE_SIZE];

	filtered("sha256sum", page_bytes, page_size, hex);
	CHECK_EQ(strlen(page_etag), 34);
	CHECK(page_etag[0] == '"' && page_etag[33] == '"');
	CHECK(strncmp(page_etag + 1, hex, 32) == 0);
}

static bool
has(const char *text)
{
	return memmem(page_bytes, page_size, text, strlen(text)) != NULL;
}

TEST(the_page_is_one_whole_document_that_asks_for_nothing_else)
{
	static const char *const loads[] = {" src=", " url(", "@import",
	    "rel=\"stylesheet\"", "innerHTML", "outerHTML", "insertAdjacent",
	    "document.write", "eval(", " onclick=", " onload=", " style="};
	static const char end[] = "</html>\n";

	CHECK(memcmp(page_bytes, "<!DOCTYPE html>\n", 16) == 0);
	CHECK(memcmp(page_bytes + page_size - strlen(end), end, strlen(end)) ==
	      0);
	CHECK(memchr(page_bytes, '\0', page_size) == NULL);
	CHECK(has("<label for=\"room\">Room</label>"));
	for (size_t i = 0; i < COUNT(loads); i++)
		CHECK(!has(loads[i]));
}
