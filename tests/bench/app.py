"""What a usual Python service in parley's place would be, for the bench: /health and /skr/config in Flask, behind gunicorn."""
import os

from flask import Flask, jsonify

app = Flask(__name__)
SECURITY = {
    'Cache-Control': 'no-store',
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    'X-XSS-Protection': '1; mode=block',
    'Referrer-Policy': 'strict-origin-when-cross-origin',
    'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
    'Content-Security-Policy': "default-src 'self'; img-src 'self' data:; connect-src 'self'; object-src 'none'; "
                               "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
}


@app.after_request
def add_headers(response):
    for name, value in SECURITY.items():
        response.headers[name] = value
    return response


@app.route('/health')
def health():
    return jsonify(status='healthy', service='confidential-aci-attestation-demo')


@app.route('/skr/config')
def skr_config():
    maa = os.environ.get('SKR_MAA_ENDPOINT', 'sharedeus.eus.attest.azure.net')
    akv = os.environ.get('SKR_AKV_ENDPOINT', '')
    return jsonify(status='success', config={
        'maa_endpoint': f'https://{maa}', 'akv_endpoint': f'https://{akv}' if akv else None, 'key_name': os.environ.get('SKR_KEY_NAME'),
        'configured': bool(akv), 'key_released': False,
    })
