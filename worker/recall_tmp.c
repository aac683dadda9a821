#include "worker/edit.h"
bool recall_line(struct worker *w, uint32_t slot, unsigned step, const char *pattern, size_t pattern_len, unsigned *found, char *line, size_t *len){(void)w;(void)slot;(void)step;(void)pattern;(void)pattern_len;(void)found;(void)line;(void)len;return false;}
size_t complete_word(struct worker *w, uint32_t slot, const char *text, size_t len, size_t from, size_t end, char *word, size_t size, bool *unique){(void)w;(void)slot;(void)text;(void)len;(void)from;(void)end;(void)word;(void)size;(void)unique;return 0;}
