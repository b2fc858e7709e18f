"""The parties' work in straightforward Python with the `cryptography` package, to stand beside parley's in the bench.

parties.py analyse CONTOSO.jsonl CONTOSO-KEY.pem FABRIKAM.jsonl FABRIKAM-KEY.pem [RECORDS]
    Decrypts the six fields of (at most RECORDS records of) both files, in our format or the original one, and computes the statistics.
parties.py seal DATA.csv KEY.pem [ROWS]
    Writes the rows in our format to nowhere. Both print one JSON object: seconds (of processor time), peak_kib, records, and of analyse: result.
"""
import base64
import csv
import hashlib
import itertools
import json
import os
import resource
import struct
import sys
import time
from collections import Counter, defaultdict

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FIELDS = ['age', 'salary', 'eye_color', 'favorite_color', 'city', 'country']
GENERATIONS = [('Gen Alpha', 2013), ('Gen Z', 1997), ('Millennials', 1981), ('Gen X', 1965), ('Baby Boomers', 1946), ('Silent Generation', -10**9)]
OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


class Statistics:
    def __init__(self):
        self.records, self.generations, self.eyes, self.colors = Counter(), Counter(), Counter(), Counter()
        self.salaries, self.by_country = defaultdict(list), defaultdict(list)
        self.cities = defaultdict(Counter)

    def add(self, company, v):
        self.records[company] += 1
        if v['age']:
            born = 2026 - int(v['age'])
            self.generations[next(name for name, first in GENERATIONS if born >= first)] += 1
        if v['salary']:
            self.salaries[company].append(int(v['salary']))
        if v['country']:
            self.cities[v['country']][v['city']] += 1
            if v['salary']:
                self.by_country[v['country']].append(int(v['salary']))
        self.eyes[v['eye_color']] += 1
        self.colors[v['favorite_color']] += 1

    def result(self):
        countries = Counter({c: sum(n.values()) for c, n in self.cities.items()})
        everybody = [s for list_ in self.salaries.values() for s in list_]
        return {
            'total_count': sum(self.records.values()),
            'top_10_countries': [{'country': c, 'count': n, 'top_cities': [{'city': x, 'count': k} for x, k in self.cities[c].most_common(3)]}
                                 for c, n in countries.most_common(10)],
            'generations': [{'generation': name, 'count': self.generations[name]} for name, _ in GENERATIONS if self.generations[name]],
            'eye_colors': [n for _, n in self.eyes.most_common()],
            'top_3_favorite_colors': [{'color': c, 'count': n} for c, n in self.colors.most_common(3)],
            'salary_by_country': {c: [round(sum(s) / len(s)), min(s), max(s)] for c, s in self.by_country.items()},
            'average': round(sum(everybody) / len(everybody)) if everybody else None,
        }


def load_key(path):
    with open(path, 'rb') as f:
        return serialization.load_pem_private_key(f.read(), None)


def analyse_ours(company, lines, key, statistics):
    head_line = next(lines).rstrip(b'\n')
    head = json.loads(head_line)
    head_hash = hashlib.sha256(head_line).digest()
    cipher = AESGCM(key.decrypt(base64.b64decode(head['wrapped_dek']), OAEP))
    places = [(name, head['fields'].index(name)) for name in FIELDS]
    content = hashlib.sha256(head_line + b'\n')
    for line in lines:
        if line.startswith(b'{"end":true'):
            end = json.loads(line)
            content.update(line[:line.index(b'"seal":"') + 8])
            nonce = struct.pack('>IQ', 2, end['records'])
            cipher.decrypt(nonce, base64.b64decode(end['seal']), head_hash + content.digest())
            return
        record = json.loads(line)
        number = record['line_number']
        values = {}
        for name, place in places:
            token = base64.b64decode(record[name + '_encrypted'])
            nonce = struct.pack('>III', 1, number, place)
            values[name] = cipher.decrypt(nonce, token[10:], head_hash + struct.pack('>I', number) + name.encode()).decode()
        content.update(line)
        statistics.add(company, values)


def analyse_original(company, lines, key, statistics):
    for line in lines:
        record = json.loads(line)
        sealed = {name: record[name + '_encrypted'] for name in FIELDS}
        values = {name: key.decrypt(base64.b64decode(v), OAEP).decode() if v else None for name, v in sealed.items()}
        statistics.add(company, values)


def analyse(contoso, contoso_key, fabrikam, fabrikam_key, limit=None):
    statistics = Statistics()
    for company, path, key_path in (('contoso', contoso, contoso_key), ('fabrikam', fabrikam, fabrikam_key)):
        with open(path, 'rb') as f:
            ours = f.read(32).startswith(b'{"format":"parley-records/')
            f.seek(0)
            lines = itertools.islice(f, int(limit) + ours) if limit else f
            (analyse_ours if ours else analyse_original)(company, iter(lines), load_key(key_path), statistics)
    return {'records': sum(statistics.records.values()), 'result': statistics.result()}


def seal(data, key_path, limit=None):
    dek, batch = os.urandom(32), os.urandom(16)
    cipher = AESGCM(dek)
    created = time.strftime('%Y-%m-%dT%H:%M:%S.000000')
    with open(data, newline='') as f, open(os.devnull, 'wb') as out:
        rows = csv.reader(f)
        names = next(rows)
        wrapped = base64.b64encode(load_key(key_path).public_key().encrypt(dek, OAEP)).decode()
        head = json.dumps({'format': 'parley-records/1', 'company': 'contoso', 'batch': batch.hex(), 'key_id': '', 'alg': 'RSA-OAEP-256+A256GCM',
                           'wrapped_dek': wrapped, 'fields': names, 'created': created}, separators=(',', ':')).encode()
        head_hash = hashlib.sha256(head).digest()
        content = hashlib.sha256(head + b'\n')
        number = 0
        for row in itertools.islice(rows, int(limit) if limit else None):
            number += 1
            record = {'line_number': number, 'timestamp': created, 'company': 'contoso'}
            for i, (name, value) in enumerate(zip(names, row)):
                aad = head_hash + struct.pack('>I', number) + name.encode()
                token = b'\x50' + batch[:4] + struct.pack('>IB', number, i) + cipher.encrypt(struct.pack('>III', 1, number, i), value.encode(), aad)
                record[name + '_encrypted'] = base64.b64encode(token).decode()
            line = json.dumps(record, separators=(',', ':')).encode() + b'\n'
            content.update(line)
            out.write(line)
        cipher.encrypt(struct.pack('>IQ', 2, number), b'', head_hash + content.digest())
    return {'records': number}


start = time.process_time()
answer = {'analyse': analyse, 'seal': seal}[sys.argv[1]](*sys.argv[2:])
answer['seconds'] = time.process_time() - start
answer['peak_kib'] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
json.dump(answer, sys.stdout)
