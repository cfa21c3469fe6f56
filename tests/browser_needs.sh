#!/bin/sh
# Puts a Chromium and a Chinese font in place for the browser tests, where this machine lets us.
# The shell is the same browser without a window: its tests take half of the processor's time.
test -x /usr/bin/chromium-headless-shell && exit 0
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
        # One that is there will do: then nothing is asked anew of a Debian that has no shell.
        test -x /usr/bin/chromium || $as apt-get update -qq
        for name in chromium-headless-shell chromium; do
            test -x "/usr/bin/$name" && exit 0
            $as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
                "$name" fonts-noto-cjk >/dev/null 2>&1 \
                && exit 0
        done
    fi
fi
test -x /usr/bin/chromium && exit 0
echo "Chromium is not here and could not be installed: the browser tests will be skipped."
echo "Install it (Debian: apt-get install chromium-headless-shell fonts-noto-cjk) and run the tests again."
exit 0
