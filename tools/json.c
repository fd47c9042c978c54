// SPDX-License-Identifier: GPL-2.0
/*
 * JSON, written a value at a time. The braces are the caller's.
 */
#include <inttypes.h>

#include "mmlab.h"

/* Bytes of the UTF-8 sequence that begins at @text; 0 if none does. */
static unsigned int utf8_length(const unsigned char *text)
{
	static const struct {
		unsigned char mask, lead, least, most;
	} kinds[] = {
		{ 0xe0, 0xc0, 0xc2, 0xdf },
		{ 0xf0, 0xe0, 0xe0, 0xef },
		{ 0xf8, 0xf0, 0xf0, 0xf4 },
	};

	for (unsigned int kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		if ((text[0] & kinds[kind].mask) != kinds[kind].lead)
			continue;
		if (text[0] < kinds[kind].least || text[0] > kinds[kind].most)
			return 0;
		for (unsigned int i = 1; i < kind + 2; i++) {
			if ((text[i] & 0xc0) != 0x80)
				return 0;
		}
		return kind + 2;
	}
	return 0;
}

/**
 * json_string - a string
 * @out: where to
 * @text: any bytes; what is not UTF-8 becomes U+FFFD
 */
void json_string(FILE *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	unsigned int length;

	fputc('"', out);
	while (*at) {
		if (*at == '"' || *at == '\\') {
			fprintf(out, "\\%c", *at++);
		} else if (*at < 0x20 || *at == 0x7f) {
			fprintf(out, "\\u%04x", *at++);
		} else if (*at < 0x80) {
			fputc(*at++, out);
		} else {
			length = utf8_length(at);
			if (length) {
				fwrite(at, 1, length, out);
				at += length;
			} else {
				fputs("\\ufffd", out);
				at++;
			}
		}
	}
	fputc('"', out);
}

/**
 * json_strings - an array of strings
 * @out: where to
 * @texts: the strings, up to a NULL
 */
void json_strings(FILE *out, char **texts)
{
	fputc('[', out);
	for (size_t i = 0; texts[i]; i++) {
		if (i)
			fputs(", ", out);
		json_string(out, texts[i]);
	}
	fputc(']', out);
}

/**
 * json_number - a line "key": number
 * @out: where to
 * @key: the key
 * @n: the number
 * @more: whether another line follows
 */
void json_number(FILE *out, const char *key, uint64_t n, bool more)
{
	fputs("  ", out);
	json_string(out, key);
	fprintf(out, ": %" PRIu64 "%s\n", n, more ? "," : "");
}
