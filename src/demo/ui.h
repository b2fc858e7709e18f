/* The embedded pages: made from the files of src/ui that the Makefile lists, by scripts/embed. */
#ifndef DEMO_UI_H
#define DEMO_UI_H

#include <stddef.h>

#define UI_PATH_MAX 32
#define UI_FILES_MAX 16

struct ui_file {
	char path[UI_PATH_MAX]; /* where it is served: text in the table itself needs no relocation */
	char type[32];          /* Content-Type */
	char sha256[65];        /* of its content, in hex */
	const unsigned char *gzip;
	size_t gzip_len;
	size_t len;             /* when opened */
};

extern const struct ui_file ui_files[];
extern const size_t ui_files_n;

#endif
