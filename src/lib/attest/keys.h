/* The key area: every long-lived private key of the process, in one locked, non-dumpable piece of memory.
 * One of the few files that decide whether a secret may leave; nothing here ever returns private members. */
#ifndef ATTEST_KEYS_H
#define ATTEST_KEYS_H

#include "azure/akv.h"
#include "crypto/jwk.h"
#include "base/limits.h"
#include "text/json_write.h"

/* Slots. KEYS_OWN is this company's released key; partners' keys exist on Woodgrove only. */
enum key_slot { KEYS_OWN = 0, KEYS_CONTOSO, KEYS_FABRIKAM, KEYS_SLOTS };
#define KEYS_DEK_LEN 32
/* Whose release it is: a place of the area for keys on their way, for one release at a time. */
enum key_stage { STAGE_OWN, STAGE_CALLER, KEY_STAGES };

/* Locks the area. Call once at start. */
void keys_init(void);
/* Moves *k into the slot (the old key is wiped, *k is wiped). Thread-safe. */
void keys_put(enum key_slot slot, struct private_key *k);
bool keys_have(enum key_slot slot);
/* Public description, as of the moment the key was put: no public question reads private bytes. ERR_STATE when empty. */
MUST_USE enum err keys_describe(enum key_slot slot, enum key_type *type, unsigned *bits, char thumbprint[JWK_THUMBPRINT_LEN + 1]);
/* {"kty",...,"kid"}: public members only; writes null when empty. */
void keys_write_jwk(enum key_slot slot, struct jw *w, const char *name);
/* RSA-OAEP-256 (SHA-256 in both places) with the slot's key. ERR_STATE when empty, ERR_RANGE when the key is not RSA,
 * else as rsa_oaep_*. Encrypting uses the public numbers. The private operation runs on a copy outside the lock and the area; the
 * copy is wiped. */
MUST_USE enum err keys_oaep_encrypt(enum key_slot slot, struct span msg, uint8_t *out, size_t cap, size_t *n);
MUST_USE enum err keys_oaep_decrypt(enum key_slot slot, struct span in, uint8_t *out, size_t cap, size_t *n);
/* The same for a data key of KEYS_DEK_LEN bytes; ERR_CRYPTO for any other length. The slot keeps the last one, so that reading the same data
 * again costs no private operation: found by the hash of its wrapped form, wiped with the slot's key and when that is replaced. */
MUST_USE enum err keys_unwrap_dek(enum key_slot slot, struct span wrapped, uint8_t dek[KEYS_DEK_LEN]);
/* Longest OAEP message of the slot's key in bytes (modulus - 66), 0 when none. */
size_t keys_oaep_max(enum key_slot slot);
/* The stage, in the area. Its user wipes it after each release. */
struct akv_stage *keys_stage(enum key_stage which);
/* False after keys_wipe: what a stage holds may be wiped. */
bool keys_open(void);
/* Wipes everything, stages too. At exit. */
void keys_wipe(void);

/* The wrapping key for one release: taken once, then wiped by the taker. A next one is made in the background.
 * keys_wrap_start starts the maker thread (call at start); keys_wrap_take waits until one is ready or the deadline. */
MUST_USE enum err keys_wrap_start(void);
MUST_USE enum err keys_wrap_take(struct private_key *k, int64_t deadline_ms);

#endif
