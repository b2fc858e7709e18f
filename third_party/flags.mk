# Flags of everything that is shipped: our own code, musl and BearSSL alike.
# A change here rebuilds the libraries.
HARDEN := -fPIE -fno-common -ffunction-sections -fdata-sections \
	-fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-ident
# Size, because the whole must fit its limit. Measured against -O2 with BearSSL's own test_speed: RSA 5 %, P-256 17 % slower,
# AES-GCM, SHA-256 and ChaCha20 the same; 24 KB less.
OPT := -Os
