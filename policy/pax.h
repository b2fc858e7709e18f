/* Records of a pax extended header (POSIX.1-2001 pax, "pax Extended Header"). */
#ifndef POLICY_PAX_H
#define POLICY_PAX_H

#include "policy/tar.h"

/* In: what the plain header says. Out: overridden by the records. xattrs is the caller's array of ENTRY_XATTRS_MAX;
 * its spans and the texts are views of the records. */
struct pax_values {
	struct span path, linkpath;
	uint64_t size, uid, gid;
	struct tar_time mtime, atime, ctime;
	size_t n_xattrs;
	struct tar_xattr *xattrs;
};

/* Reads all records. Refused with the reason: malformed records, a key twice, GNU.sparse.*, negative or malformed
 * numbers and times, NUL in a path. Unknown keys are ignored; an empty value leaves the plain header's. Untrusted. */
MUST_USE enum err pax_read(struct span records, struct pax_values *v, struct why *why);

#endif
