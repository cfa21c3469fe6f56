#!/bin/sh
# A certificate authority for the three machines, and a certificate for each: sh certificates.sh IP0 IP1 IP2
# Keep certificates/ca.key away from the machines; it is needed for new certificates alone.
set -eu
[ "$#" = 3 ] || { echo "usage: sh certificates.sh ADDRESS0 ADDRESS1 ADDRESS2" >&2; exit 2; }
cd "$(dirname "$0")"
umask 077
mkdir -p certificates/ca
cd certificates
[ -e ca.key ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
    -subj "/CN=PhyAssist cluster" -keyout ca.key -out ca/ca.crt
number=0
for address in "$@"; do
    mkdir -p "node$number"
    case "$address" in *[!0-9.]*) name="DNS:$address" ;; *) name="IP:$address" ;; esac
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=node$number" \
        -keyout "node$number/node.key" -out request.pem
    printf 'subjectAltName=%s,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n' "$name" >extensions
    openssl x509 -req -in request.pem -CA ca/ca.crt -CAkey ca.key -CAcreateserial -days 825 \
        -extfile extensions -out "node$number/node.crt"
    cp ca/ca.crt "node$number/ca.crt"
    number=$((number + 1))
done
rm -f request.pem extensions
chmod 755 ca
chmod 644 ca/ca.crt
echo "Copy certificates/nodeN and certificates/ca to machine N; on it: chown -R 999:999 certificates/nodeN" >&2
