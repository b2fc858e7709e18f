/* AES-256-GCM. */
#include "t.h"

#include <bearssl.h>

#include "crypto/gcm.h"
#include "wyche.h"

static bool all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static void wycheproof_valid_opens_and_invalid_is_refused(void **state)
{
	static uint8_t msg_buf[WYCHE_MAX], ct_buf[WYCHE_MAX], aad_buf[WYCHE_MAX], data[WYCHE_MAX];
	cJSON *root = wyche_open("wycheproof/aes_gcm_test.json"), *group, *test;
	int valid = 0, invalid = 0;

	(void)state;
	if (!root)
		skip();
	cJSON_ArrayForEach(group, cJSON_GetObjectItem(root, "testGroups")) {
		if (wyche_int(group, "ivSize") != 96 || wyche_int(group, "keySize") != 256)
			continue;
		cJSON_ArrayForEach(test, cJSON_GetObjectItem(group, "tests")) {
			uint8_t key[32], nonce[12], tag[16], made[16];
			struct span msg = wyche_bytes(test, "msg", msg_buf, sizeof msg_buf);
			struct span ct = wyche_bytes(test, "ct", ct_buf, sizeof ct_buf);
			struct span aad = wyche_bytes(test, "aad", aad_buf, sizeof aad_buf);
			struct gcm g;
			enum err err;

			assert_int_equal(vectors_hex(wyche_text(test, "key"), key, sizeof key), sizeof key);
			assert_int_equal(vectors_hex(wyche_text(test, "iv"), nonce, sizeof nonce), sizeof nonce);
			assert_int_equal(vectors_hex(wyche_text(test, "tag"), tag, sizeof tag), sizeof tag);
			gcm_init(&g, key);
			memcpy(data, ct.p, ct.n);
			err = gcm_open(&g, nonce, aad, data, ct.n, tag);
			if (wyche_result(test, "valid")) {
				assert_int_equal(err, ERR_OK);
				assert_memory_equal(data, msg.p, msg.n);
				gcm_seal(&g, nonce, aad, data, msg.n, made);
				assert_memory_equal(data, ct.p, ct.n);
				assert_memory_equal(made, tag, sizeof tag);
				valid++;
			} else {
				assert_int_equal(err, ERR_CRYPTO);
				assert_true(all_zero(data, ct.n));
				invalid++;
			}
		}
	}
	cJSON_Delete(root);
	assert_true(valid > 30 && invalid > 20);
}

/* BearSSL's own GCM with its portable constant-time parts: another composition and, where the CPU has AES-NI, other code. */
static void other_seal(const uint8_t key[32], const uint8_t nonce[12], struct span aad, uint8_t *data, size_t n, uint8_t tag[16])
{
	br_aes_ct64_ctr_keys aes;
	br_gcm_context gcm;

	br_aes_ct64_ctr_init(&aes, key, 32);
	br_gcm_init(&gcm, &aes.vtable, br_ghash_ctmul64);
	br_gcm_reset(&gcm, nonce, 12);
	br_gcm_aad_inject(&gcm, aad.p, aad.n);
	br_gcm_flip(&gcm);
	br_gcm_run(&gcm, 1, data, n);
	br_gcm_get_tag(&gcm, tag);
}

static void every_length_agrees_with_another_composition(void **state)
{
	uint8_t key[32], nonce[12] = { 9 }, aad[GCM_AAD_START + 70], ours[700], theirs[700], tag1[16], tag2[16];
	struct gcm g, moved, begun;

	(void)state;
	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)(i + 1);
	for (size_t i = 0; i < sizeof aad; i++)
		aad[i] = (uint8_t)(i * 7 + 0x5a);
	gcm_init(&g, key);
	memcpy(&moved, &g, sizeof g); /* the expanded key holds no pointers into itself */
	memset(&g, 0xff, sizeof g);
	begun = moved;
	gcm_aad_start(&begun, aad);
	for (size_t n = 0; n <= sizeof ours; n += n < 160 ? 1 : 37) {
		struct span a = span_of(aad, n % (sizeof aad + 1));

		for (size_t i = 0; i < n; i++)
			ours[i] = theirs[i] = (uint8_t)(i * 13 + n);
		nonce[11] = (uint8_t)n;
		gcm_seal(&moved, nonce, a, ours, n, tag1);
		other_seal(key, nonce, a, theirs, n, tag2);
		assert_memory_equal(ours, theirs, n);
		assert_memory_equal(tag1, tag2, sizeof tag1);
		if (a.n >= GCM_AAD_START) {
			struct span rest = span_sub(a, GCM_AAD_START, a.n);

			assert_int_equal(gcm_open(&begun, nonce, rest, theirs, n, tag2), ERR_OK);
			gcm_seal(&begun, nonce, rest, theirs, n, tag2);
			assert_memory_equal(ours, theirs, n);
			assert_memory_equal(tag1, tag2, sizeof tag1);
		}
		assert_int_equal(gcm_open(&moved, nonce, a, ours, n, tag1), ERR_OK);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(ours[i], (uint8_t)(i * 13 + n));
	}
}

/* One changed byte anywhere: refused, and nothing is left in the buffer. */
static void every_changed_byte_is_refused(void **state)
{
	uint8_t key[32] = { 1 }, nonce[12] = { 2 }, aad[21] = "contoso/7/credit_card", plain[70], text[70], tag[16];
	uint8_t *parts[] = { nonce, aad, text, tag };
	size_t sizes[] = { sizeof nonce, sizeof aad, sizeof text, sizeof tag };
	struct gcm g;

	(void)state;
	memset(plain, 'p', sizeof plain);
	gcm_init(&g, key);
	memcpy(text, plain, sizeof text);
	gcm_seal(&g, nonce, span_of(aad, sizeof aad), text, sizeof text, tag);
	for (size_t part = 0; part < 4; part++) {
		for (size_t i = 0; i < sizes[part]; i++) {
			uint8_t data[70];

			parts[part][i] ^= (uint8_t)(1 << (i % 8));
			memcpy(data, text, sizeof data);
			assert_int_equal(gcm_open(&g, nonce, span_of(aad, sizeof aad), data, sizeof data, tag), ERR_CRYPTO);
			assert_true(all_zero(data, sizeof data));
			parts[part][i] ^= (uint8_t)(1 << (i % 8));
		}
	}
	/* a byte moved from aad to text or cut off does not pass either */
	{
		uint8_t data[70];

		memcpy(data, text, sizeof data);
		assert_int_equal(gcm_open(&g, nonce, span_of(aad, sizeof aad - 1), data, sizeof data, tag), ERR_CRYPTO);
		memcpy(data, text, sizeof data);
		assert_int_equal(gcm_open(&g, nonce, span_of(aad, sizeof aad), data, sizeof data - 1, tag), ERR_CRYPTO);
	}
	assert_int_equal(gcm_open(&g, nonce, span_of(aad, sizeof aad), text, sizeof text, tag), ERR_OK);
	assert_memory_equal(text, plain, sizeof plain);
}

UNIT(gcm)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wycheproof_valid_opens_and_invalid_is_refused),
		cmocka_unit_test(every_length_agrees_with_another_composition),
		cmocka_unit_test(every_changed_byte_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
