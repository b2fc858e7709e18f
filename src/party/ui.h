/* The embedded pages (made from src/ui by scripts/embed). */
#ifndef PARTY_UI_H
#define PARTY_UI_H

struct ui_file {
	const unsigned char *gzip;
	unsigned long gzip_len;
	unsigned long len;    /* when opened */
	const char *sha256;   /* of that, in hex */
};

extern const struct ui_file ui_index_html, ui_compare_html, ui_style_css;
extern const struct ui_file ui_analysis_js, ui_app_js, ui_attest_js, ui_base_js, ui_claims_js, ui_compare_js, ui_data_js, ui_map_js,
	ui_proof_js, ui_verify_mjs;

#endif
