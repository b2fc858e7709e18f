# Templates: ARM for container instances, YAML for virtual nodes. Sourced by deploy.sh. All names in them were checked, and
# no value needs escaping: parleyctl refuses others.
# shellcheck shell=sh
# shellcheck disable=SC2154

# arm_group NAME SKU_LINES ENV COMMAND CPU MEMORY
arm_group() {
	cat << END
{
 "\$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
 "contentVersion": "1.0.0.0",
 "resources": [
  {
   "type": "Microsoft.ContainerInstance/containerGroups",
   "apiVersion": "2023-05-01",
   "name": "aci-$prefix-$1",
   "location": "$location",
   "identity": { "type": "UserAssigned", "userAssignedIdentities": { "$(identity_id "$1")": {} } },
   "properties": {
    $2
    "osType": "Linux",
    "restartPolicy": "Always",
    "imageRegistryCredentials": [ { "server": "$server", "identity": "$(identity_id "$1")" } ],
    "containers": [
     {
      "name": "parley",
      "properties": {
       "image": "$image",
       "command": $4,
       "environmentVariables": $3,
       "ports": [ { "port": 8443, "protocol": "TCP" }, { "port": 8444, "protocol": "TCP" }, { "port": 8080, "protocol": "TCP" } ],
       "resources": { "requests": { "cpu": $5, "memoryInGB": $6 } }
      }
     }
    ],
    "ipAddress": {
     "type": "Public",
     "dnsNameLabel": "$(label_of "$1")",
     "ports": [ { "port": 8443, "protocol": "TCP" }, { "port": 8444, "protocol": "TCP" }, { "port": 8080, "protocol": "TCP" } ]
    }
   }
  }
 ],
 "outputs": {
  "fqdn": { "type": "string", "value": "[reference('aci-$prefix-$1').ipAddress.fqdn]" }
 }
}
END
}

write_aci() {
	arm_group "$1" "\"sku\": \"Confidential\",
    \"confidentialComputeProperties\": { \"ccePolicy\": \"$(cat "$dir/policy/$1.b64")\" }," \
		"$(cat "$dir/policy/$1.env.json")" "$(cat "$dir/policy/$1.command.json")" 1 2
}

# The same bytes with the first party's settings on ordinary hardware, and an identity that may only pull the image.
write_snooper() {
	first=$(names | head -n 1)
	arm_group snooper '"sku": "Standard",' "$(cat "$dir/policy/$first.env.json")" "$(cat "$dir/policy/$first.command.json")" 1 2
}

# YAML takes JSON as it is, so that lists need no rewriting.
write_pod() {
	cat << END
apiVersion: v1
kind: Pod
metadata:
  name: parley-$1
  namespace: parley
  labels: { app: parley, party: "$1" }
  annotations:
    microsoft.containerinstance.virtualnode.ccepolicy: "$(cat "$dir/policy/$1.b64")"
    microsoft.containerinstance.virtualnode.identity: "$(identity_id "$1")"
spec:
  restartPolicy: Always
  nodeSelector: { virtualization: virtualnode2 }
  tolerations:
  - { key: virtual-kubelet.io/provider, operator: Exists, effect: NoSchedule }
  dnsPolicy: None
  dnsConfig: { nameservers: [ "168.63.129.16" ] }
  containers:
  - name: parley
    image: $image
    command: $(cat "$dir/policy/$1.command.json")
    env: $(cat "$dir/policy/$1.env.json")
    ports: [ { containerPort: 8443 }, { containerPort: 8444 }, { containerPort: 8080 } ]
    resources: { requests: { cpu: "1", memory: 2Gi }, limits: { cpu: "1", memory: 2Gi } }
END
}

write_snooper_pod() {
	first=$(names | head -n 1)
	cat << END
apiVersion: v1
kind: Pod
metadata:
  name: parley-snooper
  namespace: parley
  labels: { app: parley, party: snooper }
spec:
  restartPolicy: Always
  containers:
  - name: parley
    image: $image
    command: $(cat "$dir/policy/$first.command.json")
    env: $(cat "$dir/policy/$first.env.json")
    ports: [ { containerPort: 8443 }, { containerPort: 8444 }, { containerPort: 8080 } ]
END
}

# Passes bytes on and cannot read them: TLS ends in the party itself.
write_balancer() {
	cat << 'END'
apiVersion: v1
kind: ConfigMap
metadata: { name: parley-balancer, namespace: parley }
data:
  nginx.conf: |
    events {}
    stream {
END
	for p in $(names); do
		echo "      server { listen $(port_of "$p"); proxy_pass $(get_ip "$p"):8443; }"
		echo "      server { listen $(peer_port_of "$p"); proxy_pass $(get_ip "$p"):8444; }"
	done
	cat << 'END'
    }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: parley-balancer, namespace: parley }
spec:
  replicas: 1
  selector: { matchLabels: { app: parley-balancer } }
  template:
    metadata: { labels: { app: parley-balancer } }
    spec:
      containers:
      - name: nginx
        image: nginx:alpine
        args: [ nginx, -g, "daemon off;" ]
        volumeMounts: [ { name: conf, mountPath: /etc/nginx/nginx.conf, subPath: nginx.conf } ]
      volumes: [ { name: conf, configMap: { name: parley-balancer } } ]
---
apiVersion: v1
kind: Service
END
	cat << END
metadata:
  name: parley-balancer
  namespace: parley
  annotations: { service.beta.kubernetes.io/azure-load-balancer-ipv4: "$balancer" }
spec:
  type: LoadBalancer
  selector: { app: parley-balancer }
  ports:
END
	for p in $(names); do
		echo "  - { name: $p, port: $(port_of "$p"), targetPort: $(port_of "$p"), protocol: TCP }"
		echo "  - { name: $p-peer, port: $(peer_port_of "$p"), targetPort: $(peer_port_of "$p"), protocol: TCP }"
	done
}
