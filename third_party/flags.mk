# Flags of everything that is shipped: our own code, musl and BearSSL alike.
# A change here rebuilds the libraries.
HARDEN := -fPIE -fno-common -ffunction-sections -fdata-sections \
	-fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-ident
# Size, because the whole must fit its limit; but what the time goes into (make bench, perf) is made for speed. Measured against -Os: P-256 takes
# half, X25519 two thirds, RSA and SHA-256 five sixths of the time, for 12 KB. Inlining on top of that would double the price for nothing.
OPT := -Os
HOT_OPT := -O3 -fno-inline-functions -fno-ipa-cp-clone
HOT := codec/ccopy ec/ec_c25519_m31 ec/ec_p256_m31 hash/sha2big hash/sha2small int/i31_add int/i31_montmul \
	int/i31_muladd int/i31_sub int/i62_modpow2 ssl/ssl_hs_server
# Compiled with more working memory than BearSSL gives them (third_party/bearssl_rsa.h).
ROOMY := rsa/rsa_i62_priv rsa/rsa_i62_pub
