#!/bin/sh
# Puts a Chromium and a Chinese font in place for the browser tests, where this machine lets us.
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ]; then
        as=""
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as="sudo"
    else
        as="none"
    fi
    if [ "$as" != none ]; then
        echo "Installing Chromium for the browser tests"
        $as apt-get update -qq \
            && $as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
                chromium fonts-noto-cjk >/dev/null \
            && exit 0
    fi
fi
echo "Chromium is not here and could not be installed: the browser tests will be skipped."
echo "Install it (Debian: apt-get install chromium fonts-noto-cjk) and run the tests again."
exit 0
