/* Reading small XML answers: elements and text, nothing else of XML 1.0. */
#ifndef TEXT_XML_H
#define TEXT_XML_H

#include "base/err.h"
#include "base/out.h"

#define XML_DEPTH_MAX 16 /* a storage listing has five */

enum xml_kind { XML_OPEN, XML_CLOSE, XML_TEXT, XML_END };

/* A document under way: views into the caller's bytes. Opaque but for depth and open. */
struct xml {
	struct span rest;
	struct span open[XML_DEPTH_MAX]; /* names of the elements around, outermost first */
	unsigned depth;                  /* how many; after XML_OPEN the new one counts, after XML_CLOSE no longer */
	bool empty, root_seen;
};

/* Starts at the beginning of a whole document; a UTF-8 byte order mark and an XML declaration are skipped. */
struct xml xml_begin(struct span text);
/* The next event: *text is the element's name, or raw character data (still escaped; also blanks between elements).
 * Attributes are passed over. ERR_SYNTAX: not well-formed, a document type, comment, processing instruction or CDATA (none of
 * which Azure Storage sends), or text outside the root. ERR_TOO_BIG: deeper than XML_DEPTH_MAX. XML_END once, at the proper
 * end. Untrusted input; no recursion, no entities but the predefined and numeric ones. */
MUST_USE enum err xml_next(struct xml *x, enum xml_kind *kind, struct span *text);
/* Character data unescaped, appended to o. ERR_SYNTAX for an unknown or malformed reference, ERR_TOO_BIG. */
MUST_USE enum err xml_unescape(struct span raw, struct out *o);

#endif
