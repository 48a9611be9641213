#!/bin/sh
# Makes the certificates of the transport's tests anew: an authority, servers that it signed, and one that nobody here
# trusts. Keys are on P-256; all are valid from 2020 for a century, but the one that has expired. Run in this folder;
# needs openssl.
set -eu
start=20200101000000Z end=21200101000000Z
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

new_key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1"; }

sign() { # certificate's name, its key, its common name, extensions, end, then how to sign
  name=$1 key=$2 subject=$3 extensions=$4 last=$5
  shift 5
  work=$scratch/$name.d
  mkdir "$work"
  : > "$work/index"
  openssl req -new -key "$key" -subj "/CN=$subject" -out "$work/request"
  printf "$extensions" > "$work/extensions"
  cat > "$work/configuration" <<END
[ca]
default_ca=d
[d]
database=$work/index
new_certs_dir=$work
rand_serial=yes
default_md=sha256
policy=p
[p]
commonName=supplied
END
  openssl ca -batch -notext -config "$work/configuration" -in "$work/request" -extfile "$work/extensions" \
    -startdate $start -enddate "$last" -out "$name.pem" "$@" 2> "$work/log" || { cat "$work/log" >&2; exit 1; }
}

authority() { # name, common name
  new_key "$scratch/$1.key"
  sign "$1" "$scratch/$1.key" "$2" 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n' $end \
    -selfsign -keyfile "$scratch/$1.key"
}

server() { # name, authority, alternative names, end
  new_key "$1-key.pem"
  sign "$1" "$1-key.pem" "$1" \
    "subjectAltName=$3\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth\n" "$4" \
    -cert "$2.pem" -keyfile "$scratch/$2.key"
}

authority authority 'Test authority'
authority stranger-authority 'Unknown authority'
server localhost authority 'DNS:localhost,IP:127.0.0.1' $end
server elsewhere authority 'DNS:elsewhere.invalid' $end
server stranger stranger-authority 'DNS:localhost,IP:127.0.0.1' $end
server expired authority 'DNS:localhost,IP:127.0.0.1' 20200201000000Z
rm stranger-authority.pem
