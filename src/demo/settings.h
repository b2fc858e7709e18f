/* Settings of the demonstration. */
#ifndef DEMO_SETTINGS_H
#define DEMO_SETTINGS_H

#include "azure/blob.h"
#include "base/setting.h"

/* The storage account that the parties share: ciphertext only. */
struct storage_settings {
	bool blob;              /* STORAGE: this party's records are also put there */
	bool configured;        /* an account or endpoint is known: /storage/... can be used */
	struct blob_account at; /* AZURE_STORAGE_ACCOUNT, _CONTAINER, _BLOB_ENDPOINT (default
	                           https://<account>.blob.core.windows.net), _SAS, without '?', else
	                           _KEY, else the managed identity; _AUDIENCE */
	char connection[SETTING_MAX]; /* AZURE_STORAGE_CONNECTION_STRING: gives what the others
	                                 leave open (secret) */
	char resource_group[91];      /* RESOURCE_GROUP_NAME: part of the blob's name */
	char blob_name[128];          /* consolidated-records[-<RESOURCE_GROUP_NAME>].json */
};

struct demo_settings {
	struct storage_settings storage;
	char compare_origins[COMPARE_MAX]; /* COMPARE_ORIGINS: whose pages /compare shows and who
	                                      may frame ours, blank between */
	char container_image[512];         /* CONTAINER_IMAGE, shown only */
	char hostname[HOST_MAX];           /* HOSTNAME, shown only */
	bool debug_routes;                 /* DEBUG_ROUTES: the /debug/ routes exist */
};
extern const struct setting demo_settings[];
/* What follows from several of them. identity: proves who asks where no SAS and no key does. */
void demo_settle(struct demo_settings *s, const struct identity_source *identity,
                 struct setting_report *r);

#endif
