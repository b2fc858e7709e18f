// AKS workload identity for a party by itself: the token file the kubelet would mount, known to the stand-in, and the settings.
'use strict';
const fs = require('fs');
const path = require('path');

function federate(lane, text = 'kubelet.token.one') {
  const file = path.join(lane.dir, 'federated-token');
  fs.writeFileSync(file, text);
  lane.services.directory.federate(lane.own.clientId, file);
  const { addresses } = lane.services;
  return { AZURE_CLIENT_ID: lane.own.clientId, AZURE_TENANT_ID: addresses.tenant, AZURE_FEDERATED_TOKEN_FILE: file, AZURE_AUTHORITY_HOST: addresses.login };
}

module.exports = { federate };
