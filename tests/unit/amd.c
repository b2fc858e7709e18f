#include "amd.h"

#include <sys/stat.h>

#include "t.h"
#include "crypto/hash.h"

/* NAME.der: a leaf; chains are named by what is wrong with them. All leaf keys are leaf.key (P-384) but p256's.
 * Levels: boot loader 3, TEE 1, SNP 20, microcode 219 (two content bytes), FMC 2 (Turin). Chip: 00 01 02 .. 3f. */
static const char amd_script[] =
	"exec >log 2>&1; set -e\n"
	"cat >c.cnf <<'EOF'\n"
	"[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=x\n"
	"[auth]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
	"[noauth]\nbasicConstraints=critical,CA:FALSE\n"
	"[nosign]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature\n"
	"[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sha384\ncrl_extensions=ce\n[ce]\ncrlNumber=DER:020101\n"
	"[dc]\ndatabase=index.txt\ndefault_md=sha384\ncrl_extensions=dce\n[dce]\n2.5.29.27=critical,DER:020101\n"
	"EOF\n"
	"hwid=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f\n"
	"pss='-sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48'\n"
	/* section NAME PRODUCT bl tee snp ucode more...: an extension section */
	"section() { n=$1 p=$2; printf '[%s]\\n1.3.6.1.4.1.3704.1.1=DER:020100\\n1.3.6.1.4.1.3704.1.2=ASN1:IA5STRING:%s\\n'"
	" $n $p; shift 2; for i in 1 2 3 8; do printf '1.3.6.1.4.1.3704.1.3.%s=ASN1:INTEGER:%s\\n' $i $1; shift; done;"
	" for x; do echo \"1.3.6.1.4.1.3704.1.$x\"; done; }\n"
	"{ section vcek Milan-B0 3 1 20 219 4=DER:$hwid; section wrapped Milan-B0 3 1 20 219 4=DER:0440$hwid\n"
	"section below Milan-B0 3 1 19 219 4=DER:$hwid; section nochip Milan-B0 3 1 20 219\n"
	"section otherchip Milan-B0 3 1 20 219 4=DER:ff$(echo $hwid | cut -c3-)\n"
	"section vlek Milan 3 1 20 219 5=ASN1:IA5STRING:TestCSP; section genoa Genoa 3 1 20 219 4=DER:$hwid\n"
	"section turin Turin 3 1 20 219 3.9=DER:020102 4=DER:0001020304050607\n"
	"section crit Milan-B0 3 1 20 219 4=DER:$hwid 99=critical,DER:020100\n"
	"section leafca Milan-B0 3 1 20 219 4=DER:$hwid; echo basicConstraints=critical,CA:TRUE; } >>c.cnf\n"
	"for k in ark ask other; do openssl genrsa -out $k.key 2048; done\n"
	"for k in leaf stranger; do openssl ecparam -name secp384r1 -genkey -noout -out $k.key; done\n"
	"openssl ecparam -name prime256v1 -genkey -noout -out p256.key\n"
	"root() { openssl req -x509 -new -config c.cnf -extensions auth -key $2.key -subj \"/CN=$3\" -set_serial 65536 -days 9000 $pss -out $1.pem; }\n"
	/* issue OUT CN KEY SECTION ISSUERCERT ISSUERKEY SERIAL options */
	"issue() { o=$1 cn=$2 k=$3 s=$4 i=$5 ik=$6 no=$7; shift 7; openssl req -new -config c.cnf -key $k.key -subj \"/CN=$cn\" -out r.csr\n"
	"  openssl x509 -req -in r.csr -CA $i.pem -CAkey $ik.key -extfile c.cnf -extensions $s -set_serial $no -days 2500 \"$@\" -out $o.pem; }\n"
	"for p in Milan Genoa Turin; do root ark$p ark ARK-$p\n"
	"  issue ask$p SEV-$p ask auth ark$p ark 65537 $pss; done\n"
	"root arkOther other ARK-Milan; issue askOther SEV-Milan ask auth arkOther other 65537 $pss\n"
	"issue asvk SEV-VLEK-Milan ask auth arkMilan ark 65793 $pss; issue asknoauth SEV-Milan ask noauth arkMilan ark 65537 $pss\n"
	"issue asknosign SEV-Milan ask nosign arkMilan ark 65537 $pss\n"
	"chain() { cat $2.pem $3.pem $4.pem >$1.chain; }\n"
	"vcek() { n=$1; sec=$2; shift 2; issue $n SEV-VCEK leaf $sec askMilan ask 0 \"$@\"; chain $n $n askMilan arkMilan; }\n"
	"for s in vcek wrapped below nochip otherchip crit leafca; do vcek $s $s $pss; done; mv vcek.chain milan.chain\n"
	"vcek salt32 vcek -sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32\n"
	"vcek sha256 vcek -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32; vcek pkcs1 vcek -sha384\n"
	"issue p256 SEV-VCEK p256 vcek askMilan ask 0 $pss; chain p256 p256 askMilan arkMilan\n"
	"issue stranger SEV-VCEK stranger vcek askMilan ask 0 $pss; chain stranger stranger askMilan arkMilan\n"
	"issue name SEV-OTHER leaf vcek askMilan ask 0 $pss; chain name name askMilan arkMilan\n"
	"issue genoa SEV-VCEK leaf genoa askGenoa ask 0 $pss; chain genoa genoa askGenoa arkGenoa\n"
	"issue turin SEV-VCEK leaf turin askTurin ask 0 $pss; chain turin turin askTurin arkTurin\n"
	"issue vlek SEV-VLEK leaf vlek asvk ask 7 $pss; chain vlek vlek asvk arkMilan\n"
	"issue vlekask SEV-VLEK leaf vlek askMilan ask 7 $pss; chain vlekask vlekask askMilan arkMilan\n"
	"issue mixed SEV-VCEK leaf genoa askMilan ask 0 $pss; chain mixed mixed askMilan arkMilan\n"
	"issue v2 SEV-VCEK leaf vcek asknoauth ask 0 $pss; chain noauth v2 asknoauth arkMilan\n"
	"issue v3 SEV-VCEK leaf vcek asknosign ask 0 $pss; chain nosign v3 asknosign arkMilan\n"
	"chain foreign vcek askOther arkOther; chain swapped vcek arkMilan askMilan; chain reversed arkMilan askMilan vcek\n"
	"chain twice vcek vcek askMilan; cat vcek.pem askMilan.pem >short.chain; cat milan.chain arkMilan.pem >long.chain\n"
	"chain unrelated vcek askMilan arkOther\n"
	/* lists: none revoked, the ASK revoked, one by another root, a delta */
	": >index.txt; crl() { openssl ca -config c.cnf -name ${5:-d} -gencrl -cert $2.pem -keyfile $3.key -crldays $4"
	" -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48 -out crl.tmp; openssl crl -in crl.tmp -outform DER -out $1.crl; }\n"
	"crl good arkMilan ark 30; crl other arkOther other 30; crl delta arkMilan ark 30 dc\n"
	"printf 'R\\t490101000000Z\\t240101000000Z\\t05\\tunknown\\t/CN=a\\nR\\t490101000000Z\\t240101000000Z\\t010001\\tunknown\\t/CN=SEV-Milan\\n' >index.txt\n"
	"crl revoked arkMilan ark 30\n"
	"printf 'R\\t490101000000Z\\t240101000000Z\\t05\\tunknown\\t/CN=a\\n' >index.txt; crl some arkMilan ark 30\n"
	"openssl x509 -in arkMilan.pem -noout -pubkey | openssl pkey -pubin -outform DER -out ark.spki\n"
	"echo done >ready\n";

char amd_dir[64];

uint8_t *amd_file(const char *name, size_t *n)
{
	uint8_t *bytes = calloc(1, 65536);
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", amd_dir, name);
	f = fopen(path, "rb");
	if (!f || !bytes) {
		fprintf(stderr, "no %s\n", path);
		abort();
	}
	*n = fread(bytes, 1, 65535, f);
	fclose(f);
	return bytes;
}

void amd_write(const char *name, const void *bytes, size_t n)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", amd_dir, name);
	f = fopen(path, "wb");
	if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
		abort();
}

void amd_run(const char *command)
{
	char text[1024];

	snprintf(text, sizeof text, "cd %s && %s", amd_dir, command);
	if (system(text) != 0) {
		size_t n;

		fprintf(stderr, "failed: %s\n%s\n", command, (char *)amd_file("log", &n));
		abort();
	}
}

bool amd_make(void)
{
	if (system("openssl version >/dev/null 2>&1") != 0)
		return false;
	snprintf(amd_dir, sizeof amd_dir, "%s/amd", unit_dir);
	if (mkdir(amd_dir, 0700) != 0)
		return true;
	amd_write("make.sh", amd_script, sizeof amd_script - 1);
	amd_run("sh make.sh && test -f ready");
	return true;
}

const uint8_t *amd_root(void)
{
	static uint8_t hash[32];
	size_t n;
	uint8_t *spki = amd_file("ark.spki", &n);

	hash_sha256(span_of(spki, n), hash);
	free(spki);
	return hash;
}

void amd_report(uint8_t r[SNP_REPORT_LEN], unsigned version, uint8_t family, uint8_t model)
{
	static const uint8_t old_tcb[8] = { 3, 1, 0, 0, 0, 0, 20, 219 }, turin_tcb[8] = { 2, 3, 1, 20, 0, 0, 0, 219 };
	static const size_t tcbs[] = { 0x38, 0x180, 0x1e0, 0x1f0 };
	bool turin = family == 0x1a; /* which version 2 does not say */

	memset(r, 0, SNP_REPORT_LEN);
	r[0] = (uint8_t)version;
	r[4] = 2;
	store_le64(r + 8, 0x3001f);
	r[0x10] = 1;
	r[0x20] = 2;
	r[0x34] = 1;
	for (size_t i = 0; i < 4; i++)
		memcpy(r + tcbs[i], turin ? turin_tcb : old_tcb, 8);
	for (size_t i = 0; i < 64; i++) {
		r[0x50 + i] = (uint8_t)(0x40 + i);
		r[0x1a0 + i] = turin && i >= 8 ? 0 : (uint8_t)i;
	}
	memset(r + 0x90, 0xaa, 48);
	memset(r + 0xc0, 0xbb, 32);
	if (version >= 3) {
		r[0x188] = family;
		r[0x189] = model;
	}
}

void amd_sign(uint8_t r[SNP_REPORT_LEN], const char *key)
{
	char command[256];
	size_t n, at = 2;
	uint8_t *sig;

	amd_write("part", r, 0x2a0);
	snprintf(command, sizeof command, "openssl dgst -sha384 -sign %s.key -out part.sig part", key);
	amd_run(command);
	sig = amd_file("part.sig", &n);
	for (size_t half = 0; half < 2; half++) { /* SEQUENCE { INTEGER, INTEGER }, all lengths below 128 */
		size_t len = sig[at + 1];

		for (size_t i = 0; i < 48; i++)
			r[0x2a0 + 72 * half + i] = i < len ? sig[at + 2 + len - 1 - i] : 0;
		at += 2 + len;
	}
	free(sig);
}
