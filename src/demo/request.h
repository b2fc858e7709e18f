/* What the demonstration's handlers work with, besides a party's. */
#ifndef DEMO_REQUEST_H
#define DEMO_REQUEST_H

#include "party/request.h"
#include "demo/storage.h"

/* Memory of one worker of a program with the demonstration. */
struct demo_scratch {
	struct scratch party; /* what q->scratch points to */
	struct storage_reader storage;
};

static inline struct storage_reader *demo_storage(const struct request *q)
{
	return &((struct demo_scratch *)q->scratch)->storage;
}

#endif
