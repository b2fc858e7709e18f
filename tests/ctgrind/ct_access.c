/* Who may come in: the operator's token and session identifiers; and the signature with the storage account's key. */
#include "azure/blob_sign.h"
#include "crypto/hash.h"
#include "http/access.h"
#include "secret.h"

static void token(void)
{
	static struct access_operator s;
	uint8_t right[] = "a token of an operator, long enough", wrong[] = "a token of an operator, long enougH";

	s.set = true;
	hash_sha256(span_of(right, sizeof right - 1), s.sha256);
	SECRET(right, sizeof right - 1);
	SECRET(wrong, sizeof wrong - 1);
	EXPECT(access_token_ok(&s, span_of(right, sizeof right - 1)));
	EXPECT(!access_token_ok(&s, span_of(wrong, sizeof wrong - 1)));
}

static void session(void)
{
	char id[SESSION_ID_LEN + 1];
	bool valid;

	for (int i = 0; i < 3; i++)
		session_open(id, 1000 + i);
	SECRET(id, SESSION_ID_LEN);
	valid = session_valid(span_of(id, SESSION_ID_LEN), 2000);
	EXPECT(valid);
	memset(id, 'A', SESSION_ID_LEN);
	SECRET(id, SESSION_ID_LEN);
	valid = session_valid(span_of(id, SESSION_ID_LEN), 2000);
	EXPECT(!valid);
}

static void storage(void)
{
	uint8_t key[64] = { 3 }, scratch[2048], text[512];
	struct out o = out_init(text, sizeof text);
	struct blob_sign s = { .method = "GET", .path = SPAN_LIT("/c/b"), .date = "Sat, 21 Nov 2026 02:03:04 GMT" };

	SECRET(key, sizeof key);
	EXPECT(verdict(blob_sign_value(&s, "account", span_of(key, sizeof key), scratch, sizeof scratch, &o)) == ERR_OK);
}

int main(void)
{
	token();
	session();
	storage();
	return 0;
}
