/* Certificates made by the openssl command, once in a run of a program, for tests of certificates
 * and TLS. */
#ifndef UNIT_PKI_H
#define UNIT_PKI_H

#include <sys/stat.h>

#include "t.h"
#include "text/pem.h"

/* root > inter > leaf (P-256), and what is wrong with the others is their name. rsaroot > rsaleaf; p384root > p384leaf.
 * NAME.chain.pem is what a server sends. */
static const char pki_script[] =
	"exec >log 2>&1; set -e\n"
	"cat >c.cnf <<'EOF'\n"
	"[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=x\n"
	"[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
	"[inter]\nbasicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n"
	"[leaf]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
	"subjectAltName=DNS:good.example,DNS:*.wild.example,DNS:localhost\n"
	"[nosan]\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n"
	"[mail]\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=emailProtection\nsubjectAltName=DNS:good.example\n"
	"[noeku]\nsubjectAltName=DNS:good.example\n"
	"[agree]\nkeyUsage=critical,keyAgreement\nsubjectAltName=DNS:good.example\n"
	"[critical]\nsubjectAltName=DNS:good.example\n1.2.3.4=critical,ASN1:NULL\n"
	"EOF\n"
	"serial=100\n"
	"eckey() { openssl ecparam -name $2 -genkey -noout -out $1.key; }\n"
	"root() { openssl req -x509 -new -config c.cnf -extensions ca -key $1.key -subj \"/CN=$2\" -days 3650 -$3 -out $1.pem; }\n"
	/* sign NAME CN SECTION ISSUER DIGEST [options] */
	"sign() { n=$1 cn=$2 x=$3 i=$4 d=$5; shift 5; serial=$((serial+1))\n"
	"  openssl req -new -config c.cnf -key $n.key -subj \"/CN=$cn\" -out $n.csr\n"
	"  openssl x509 -req -in $n.csr -CA $i.pem -CAkey $i.key -extfile c.cnf -extensions $x -set_serial $serial"
	" -days 365 -$d \"$@\" -out $n.pem; }\n"
	"for k in root other inter leaf nosan mail noeku agree critical sha1 sub untrusted false; do eckey $k prime256v1; done\n"
	"root root 'Test Root' sha256; root other 'Other Root' sha256\n"
	"sign inter 'Test Intermediate' inter root sha256\n"
	"sign leaf good.example leaf inter sha256\n"
	"for k in nosan mail noeku agree critical; do sign $k good.example $k inter sha256; done\n"
	"sign sha1 good.example leaf inter sha1\n"
	"sign sub good.example leaf leaf sha256\n" /* issued by a leaf */
	"sign untrusted good.example leaf other sha256\n"
	"eckey p384root secp384r1; eckey p384leaf secp384r1; root p384root 'P-384 Root' sha384\n"
	"sign p384leaf good.example leaf p384root sha384\n"
	"for k in rsaroot rsaleaf; do openssl genrsa -out $k.key 2048; done; openssl genrsa -out weak.key 1024\n"
	"root rsaroot 'RSA Root' sha256; sign rsaleaf good.example leaf rsaroot sha512\n"
	"sign weak good.example leaf rsaroot sha256\n"
	"eckey falseroot prime256v1; root falseroot 'Test Root' sha256; sign false good.example leaf falseroot sha256\n"
	"for s in 48 32; do cp rsaleaf.key pss$s.key; sign pss$s good.example leaf rsaroot sha384"
	" -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:$s; done\n"
	"for k in leaf nosan mail noeku agree critical sha1; do cat $k.pem inter.pem >$k.chain.pem; done\n"
	"cp false.pem false.chain.pem; cat sub.pem leaf.pem inter.pem >sub.chain.pem\n"
	"cat leaf.pem inter.pem root.pem >full.chain.pem; cat leaf.pem root.pem inter.pem >order.chain.pem\n"
	"cat inter.pem leaf.pem >swapped.chain.pem\n"
	"cat root.pem rsaroot.pem p384root.pem >anchors.pem\n"
	"echo done >ready\n";

static char pki_dir[64];

/* Certificates with extensions of one's own, of one key: $1 a name of the files; then pairs of common name and extensions, the
 * issuer first: "Test Root" issues the first one, each the next one. NAME.chain.pem has all of them, leaf first. */
static const char pki_issue_script[] =
	"exec >>log 2>&1; set -e; name=$1 issuer=root key=root.key chain=; shift\n"
	"while [ $# -ge 2 ]; do\n"
	"  own=$name.$# ; printf '[x]\\n%b\\n' \"$2\" >$own.cnf\n"
	"  openssl req -new -config c.cnf -key leaf.key -subj \"$1\" -out $own.csr\n"
	"  openssl x509 -req -in $own.csr -CA $issuer.pem -CAkey $key -extfile $own.cnf -extensions x -days 365 -sha256"
	" -set_serial 7$# -out $own.pem\n"
	"  chain=\"$own.pem $chain\" issuer=$own key=leaf.key; shift 2\n"
	"done; cat $chain >$name.chain.pem\n";

/* A file of the directory, whole, with NUL behind; static storage. NULL when there is none. */
static inline const char *pki_file(const char *name, size_t *n)
{
	static char bytes[65536];
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", pki_dir, name);
	f = fopen(path, "rb");
	if (!f)
		return NULL;
	*n = fread(bytes, 1, sizeof bytes - 1, f);
	bytes[*n] = 0;
	fclose(f);
	return bytes;
}

static inline void pki_write(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", pki_dir, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

/* Runs pki_issue_script with these words of the shell. */
static inline void pki_issue(const char *words)
{
	char command[4096];
	size_t n;

	pki_write("issue.sh", pki_issue_script);
	if (snprintf(command, sizeof command, "cd %s && sh issue.sh %s", pki_dir, words) >= (int)sizeof command)
		abort();
	if (system(command) != 0) {
		fprintf(stderr, "issuing %s failed:\n%s\n", words, pki_file("log", &n));
		abort();
	}
}

/* Makes everything, unless an earlier file of the program did; false when there is no openssl
 * command. A script that fails although there is one ends the program: the test would otherwise
 * silently not run. */
static inline bool pki_make(void)
{
	char command[128];
	size_t n;

	if (system("openssl version >/dev/null 2>&1") != 0)
		return false;
	snprintf(pki_dir, sizeof pki_dir, "%s/pki", unit_dir);
	if (mkdir(pki_dir, 0700) != 0)
		return true;
	pki_write("make.sh", pki_script);
	snprintf(command, sizeof command, "cd %s && sh make.sh", pki_dir);
	if (system(command) != 0 || !pki_file("ready", &n)) {
		const char *log = pki_file("log", &n);

		fprintf(stderr, "making test certificates failed:\n%s\n", log ? log : "");
		abort();
	}
	return true;
}

/* Certificates of a PEM file as DER, one behind the other in buf; gives their number. */
static inline size_t pki_chain(const char *name, uint8_t *buf, size_t cap, struct span *certs, size_t max)
{
	size_t n, count = 0;
	const char *text = pki_file(name, &n);
	struct span pem = span_of(text, text ? n : 0);

	if (!text)
		abort();
	while (count < max) {
		size_t len = 0;

		if (pem_next(&pem, "CERTIFICATE", buf, cap, &len) != ERR_OK)
			break;
		certs[count++] = span_of(buf, len);
		buf += len;
		cap -= len;
	}
	return count;
}

#endif
