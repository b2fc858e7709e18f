/* What handlers say at their end. Those of int give what the handler is to return (http/request.h). */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "http/request.h"

/* Ends the object that is written and sends it. */
int answer_object(struct request *q, struct jw *w, int status);
/* Sends JSON that is whole. */
int answer_json(struct request *q, const struct out *json);
/* {"status":"error","message":...} */
int answer_error(struct request *q, int status, const char *message);
/* q->fault with further members; status 0: by the kind of fault. */
int answer_fault(struct request *q, int status, const struct reply_member *more, size_t n);
/* Sends what has been gathered of a stream and empties o; the head of JSON goes before the first piece, if none has gone out. */
MUST_USE enum err answer_piece(struct request *q, struct out *o);
/* The end of a stream. After the head there is only one way to tell the client that something went wrong: no proper end. Before it,
 * q->fault is told. */
int answer_end(struct request *q, enum err e);

/* NULL for an empty text: written as null. */
const char *answer_or_null(const char *text);
/* Member `name` (NULL: a bare value): an object of texts; an array of texts. */
void answer_texts(struct jw *w, const char *name, const struct reply_member *texts, size_t n);
void answer_list(struct jw *w, const char *name, const char *const *texts, size_t n);
/* The member "https://" hostport. */
void answer_https(struct jw *w, const char *name, const char *hostport);

#endif
