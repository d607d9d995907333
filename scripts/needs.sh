# What run, test and bench have in common: Rust, Debian packages, one target folder. To be sourced.

TARGET="${CARGO_TARGET_DIR:-$PWD/target}"
export CARGO_TARGET_DIR="$TARGET"

if ! command -v cargo >/dev/null; then
    [ -x "$HOME/.cargo/bin/cargo" ] && PATH="$HOME/.cargo/bin:$PATH"
fi
if ! command -v cargo >/dev/null; then
    echo "This needs Rust 1.92 or later (cargo, rustc): https://rustup.rs or your distribution." >&2
    exit 3
fi

# Installs Debian packages that are missing, without letting them start services. Where that is not
# allowed, says what is needed.
need_packages() {
    local missing=() package as_root=()
    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    if [ "$(id -u)" -ne 0 ]; then
        if sudo -n true 2>/dev/null; then
            as_root=(sudo -n)
        else
            echo "These Debian packages are missing, and may not be installed from here. Please run:" >&2
            echo "  sudo apt-get install --no-install-recommends ${missing[*]}" >&2
            exit 3
        fi
    fi
    echo "Installing Debian packages: ${missing[*]}" >&2
    local policy=/usr/sbin/policy-rc.d made=""
    if [ ! -e "$policy" ]; then
        # Tor and Prosody are wanted as programs here, not as services of this machine.
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod 755 "$policy"
        made=yes
    fi
    local status=0
    "${as_root[@]}" apt-get update -qq >&2 || true
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 || status=$?
    [ -n "$made" ] && "${as_root[@]}" rm -f "$policy"
    if [ "$status" -ne 0 ]; then
        echo "These Debian packages could not be installed: ${missing[*]}" >&2
        exit 3
    fi
}

# Builds in the one profile that run, test and bench share.
build() {
    cargo build --release --locked "$@" >&2
}

# What a screen needs at run time, opened while the program runs: X11 and its keyboard, fonts for every language.
SCREEN_PACKAGES="fontconfig fonts-noto-core fonts-symbola libx11-6 libx11-xcb1 libxcursor1 libxi6 libxkbcommon0 libxkbcommon-x11-0 libxrandr2"
# And what the tests of a screen need besides.
SCREEN_TEST_PACKAGES="at-spi2-core dbus-bin dbus-daemon dunst python3-pyatspi xauth xdotool xvfb"
