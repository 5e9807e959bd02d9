#!/bin/sh
# IPsec by hand for protection = "host": this router's side. The neighbour runs it with the two
# addresses, SPIs and keys the other way round. docs/esp.md says more.
#
#   LOCAL=… PEER=… SPI_OUT=0x1000 KEY_OUT=0x… SPI_IN=0x2000 KEY_IN=0x… sh manual.sh
#
# A key is 0x and 64 hexadecimal digits, one for each direction: sendoff esp-key.
set -eu

reqid=135 # binds the associations of this neighbour to its policies

# Associations: ESP, transport mode, integrity, nothing encrypted.
ip xfrm state add src "$LOCAL" dst "$PEER" proto esp spi "$SPI_OUT" reqid $reqid mode transport \
  auth-trunc 'hmac(sha256)' "$KEY_OUT" 128 enc 'ecb(cipher_null)' ''
ip xfrm state add src "$PEER" dst "$LOCAL" proto esp spi "$SPI_IN" reqid $reqid mode transport replay-window 32 \
  auth-trunc 'hmac(sha256)' "$KEY_IN" 128 enc 'ecb(cipher_null)' ''

# What leaves: HI (14) and HAck (15), for this router is previous and new one in turn.
for type in 14 15; do
  ip xfrm policy add src "$LOCAL" dst "$PEER" proto 135 type $type dir out \
    tmpl proto esp reqid $reqid mode transport
done
# What comes in: without a type, since Linux does not look at the type there.
ip xfrm policy add src "$PEER" dst "$LOCAL" proto 135 dir in tmpl proto esp reqid $reqid mode transport
