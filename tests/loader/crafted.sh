# Small programs and libraries that try what ld.so(8) describes; read by `roots`. Programs end with 42, libraries are
# empty; each case has a directory of its own below /t, and a line in the root's .cases.
# shellcheck shell=bash disable=SC2016,SC2086,SC2154

# stub NAME: a library to link with, so that NAME is what is needed
stub() {
    local file
    file=$work/$bits/stub/$(printf %s "$1" | md5sum | cut -c1-32).so
    mkdir -p "$(dirname "$file")"
    [ -e "$file" ] || $cc -m$bits -shared -nostdlib -Wl,-soname,"$1" -o "$file" "$work/empty.c"
    printf '%s\n' "$file"
}

# stubs NAME...: into the array `linked`
stubs() {
    local name
    linked=()
    for name; do linked+=("$(stub "$name")"); done
}

# lib PATH SONAME "NEEDED..." FLAGS...: no soname if it is -
lib() {
    local path=$root$1 soname=() needed=$3
    [ "$2" = - ] || soname=("-Wl,-soname,$2")
    shift 3
    mkdir -p "$(dirname "$path")"
    stubs $needed
    $cc -m$bits -shared -nostdlib "${soname[@]}" -Wl,--no-as-needed,--allow-shlib-undefined "$@" -o "$path" "$work/empty.c" "${linked[@]}"
}

# program PATH "NEEDED..." FLAGS...
program() {
    local path=$1 needed=$2
    shift 2
    mkdir -p "$(dirname "$root$path")"
    # The second word size has no C library to link with, and needs none.
    if [ $bits = 32 ]; then
        needed="$needed libc.so.6"
        set -- -nostdlib "$@" "$work/start32.c"
    else
        set -- "$@" "$work/main.c"
    fi
    stubs $needed
    $cc -m$bits -Wl,--no-as-needed,--allow-shlib-undefined "$@" -o "$root$path" "${linked[@]}"
    run "$path"
}

# run PATH VARIABLE=VALUE...: one more case
run() {
    (IFS=$'\t' && printf '%s\n' "$*") >>"$root.cases"
}

rpath() { printf -- '-Wl,--disable-new-dtags,-rpath,%s' "$1"; }
runpath() { printf -- '-Wl,--enable-new-dtags,-rpath,%s' "$1"; }

# retag FILE NUMBER TAG: another tag for the entry of that number in the dynamic section, of a 64-bit file
retag() {
    local offset
    offset=$(readelf -lW "$1" | awk '$1 == "DYNAMIC" { print $2 }')
    # shellcheck disable=SC2059
    printf "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x\\0\\0\\0\\0' $(($3 & 255)) $(($3 >> 8 & 255)) $(($3 >> 16 & 255)) $(($3 >> 24 & 255)))" |
        dd of="$1" bs=1 seek=$((offset + 16 * $2)) conv=notrunc status=none
}

# byte FILE OFFSET VALUE...
byte() {
    local file=$1 offset=$2 value
    shift 2
    for value; do
        # shellcheck disable=SC2059
        printf "$(printf '\\x%02x' "$value")" | dd of="$file" bs=1 seek=$((offset++)) conv=notrunc status=none
    done
}

search_paths() {
    local t=$1
    lib $t/l/liba.so liba.so ""
    lib $t/m/liba.so liba.so ""
    lib $t/deep/liba.so liba.so "libb.so"
    lib $t/deep/libb.so libb.so ""
    program $t/none "liba.so"
    program $t/rpath "liba.so" "$(rpath $t/l)"
    program $t/runpath "liba.so" "$(runpath $t/l)"
    for path in "/nowhere:$t/m" "$t/m:$t/l" "$t/m;$t/l" ":$t/m" "$t/m/" "/$t//m" "${t#/}/m" "$t/m/liba.so:$t/l" "" ":" "$t/l/../m"; do
        run $t/rpath "LD_LIBRARY_PATH=$path"
        run $t/runpath "LD_LIBRARY_PATH=$path"
        run $t/none "LD_LIBRARY_PATH=$path"
        program "$t/r$((n += 1))" "liba.so" "$(rpath "$path")"
        program "$t/r$((n += 1))" "liba.so" "$(runpath "$path")"
    done
    # Both: glibc forgets the DT_RPATH.
    program $t/both "liba.so $t/m" "$(rpath $t/l)"
    retag "$root$t/both" 1 29
    # Inherited or not.
    program $t/inherits "liba.so" "$(rpath $t/deep)"
    program $t/does-not "liba.so" "$(runpath $t/deep)"
    run $t/does-not "LD_LIBRARY_PATH=$t/l"
    run $t/does-not "LD_LIBRARY_PATH=$t/deep"
    lib $t/own/liba.so liba.so "libb.so" "$(runpath /nowhere)"
    program $t/cut "liba.so" "$(rpath $t/own:$t/deep)"
    lib $t/chain/liba.so liba.so "libb.so" "$(rpath $t/chain/b)"
    lib $t/chain/b/libb.so libb.so "libc1.so" "$(rpath $t/chain/c)"
    lib $t/chain/c/libc1.so libc1.so "libd.so"
    lib $t/chain/b/libd.so libd.so ""
    program $t/chain/p "liba.so" "$(rpath $t/chain)"
    program $t/chain/q "liba.so" "$(runpath $t/chain)"
    program $t/chain/r "liba.so libd.so" "$(rpath $t/chain)"
    lib $t/chain/libd.so libd.so ""
    program $t/chain/s "liba.so libd.so" "$(rpath $t/chain)"
    program $t/chain/u "libd.so liba.so" "$(rpath $t/chain)"
}

tokens() {
    local t=$1 p='$PLATFORM'
    lib $t/bin/l/liba.so liba.so "libb.so" "$(runpath '$ORIGIN/n')"
    lib $t/bin/l/n/libb.so libb.so ""
    lib $t/lib/x86_64-linux-gnu/liba.so liba.so ""
    lib $t/lib64/liba.so liba.so ""
    lib $t/lib/liba.so liba.so ""
    lib $t/x86_64/liba.so liba.so ""
    lib $t/haswell/liba.so liba.so ""
    lib "$t/\$FOO/liba.so" liba.so ""
    for path in '$ORIGIN/l' '${ORIGIN}/l' '$ORIGINX/l' '${ORIGIN/l' '$ORIGIN/../bin/l' "$t"'/$LIB' "$t"'/${LIB}' "$t"'/$PLATFORM' \
        "$t"'/$FOO' "$t"'/$LIBX' '/nowhere:$ORIGIN/l' '$ORIGIN' "$t"'/bin$ORIGIN/l' "$t/bin/l\$" "$t/$p/.."; do
        program "$t/bin/o$((n += 1))" "liba.so" "$(runpath "$path")"
        program "$t/bin/o$((n += 1))" "liba.so" "$(rpath "$path")"
        run "$t/bin/none" "LD_LIBRARY_PATH=$path"
    done
    program $t/bin/none "liba.so"
    ln -s bin/o$((n - 29)) "$root$t/link"
    run $t/link
    program $t/bin/needed '$ORIGIN/l/liba.so'
    program $t/bin/needed-lib "$t"'/$LIB/liba.so'
    program $t/bin/needed-foo "$t"'/$FOO/liba.so'
}

names() {
    local t=$1
    lib $t/l/liba.so liba.so ""
    lib $t/l/libreal.so libalias.so ""
    lib $t/l/bare.so - ""
    lib $t/m/libalias.so libother.so ""
    program $t/slash "$t/l/liba.so"
    program $t/relative "${t#/}/l/liba.so"
    program $t/slash-missing "$t/l/libnone.so"
    program $t/alias "libreal.so libalias.so" "$(runpath $t/l:$t/m)"
    program $t/alias-back "libalias.so libreal.so" "$(runpath $t/l:$t/m)"
    program $t/path-and-name "$t/l/liba.so liba.so" "$(runpath $t/m)"
    program $t/name-and-path "liba.so $t/l/liba.so" "$(runpath $t/l)"
    program $t/bare-path "$t/l/bare.so bare.so" "$(runpath /nowhere)"
    program $t/loader-needed "ld-linux-x86-64.so.2 liba.so" "$(runpath $t/l)"
    lib $t/l/libpath.so libpath.so "/lib/x86_64-linux-gnu/libc.so.6"
    program $t/libc-path "libpath.so" "$(runpath $t/l)"
    ln -s l "$root$t/to-l"
    mkdir -p "$root$t/hard"
    ln "$root$t/l/liba.so" "$root$t/hard/libhard.so"
    ln -s ../l/liba.so "$root$t/hard/libsoft.so"
    program $t/two-links "liba.so libhard.so libsoft.so $t/to-l/liba.so" "$(runpath $t/l:$t/hard)"
    lib $t/cycle/liba.so liba.so "libb.so" "$(runpath $t/cycle)"
    lib $t/cycle/libb.so libb.so "liba.so libc1.so" "$(runpath $t/cycle)"
    lib $t/cycle/libc1.so libc1.so "libc1.so libnone1.so libd.so" "$(runpath $t/cycle)"
    lib $t/cycle/libd.so libd.so "libnone2.so libnone1.so" "$(runpath $t/cycle)"
    program $t/cycle/p "liba.so" "$(runpath $t/cycle)"
    program $t/breadth "libb.so liba.so libnone0.so" "$(runpath $t/cycle)"
    lib $t/f/libaux.so libaux.so "" "-Wl,-f,libauxed.so" "$(runpath $t/f)"
    lib $t/f/libauxed.so libauxed.so "" "$(runpath $t/f)"
    lib $t/f/libaux-none.so libaux-none.so "" -Wl,-f,libnone.so
    lib $t/f/libfilter.so libfilter.so "" -Wl,-F,libauxed.so "$(runpath $t/f)"
    lib $t/f/libfilter-none.so libfilter-none.so "" -Wl,-F,libnone.so
    lib $t/f/libmany.so libmany.so "liba.so" -Wl,-f,libauxed.so,-f,libnone.so,-F,libfilter.so "$(runpath $t/f:$t/l)"
    for name in aux aux-none filter filter-none many; do
        program "$t/f/$name" "lib$name.so liba.so" "$(runpath $t/f:$t/l)"
    done
    program $t/no-pie "liba.so" "$(runpath $t/l)" -no-pie
    program $t/long "lib$(printf %0250d 7).so liba.so" "$(runpath $t/l)"
    mkdir -p "$root$t/ld"
    ln -s /lib64/ld-linux-x86-64.so.2 "$root$t/ld/ld.so"
    program $t/other-loader "liba.so ld-linux-x86-64.so.2" "$(runpath $t/l)" "-Wl,--dynamic-linker,$t/ld/ld.so"
    program $t/no-loader "liba.so" "-Wl,--dynamic-linker,$t/ld/none.so"
    sed -i '$d' "$root.cases"
    gcc -nostdlib -pie -o "$root$t/nothing" "$work/start.c" -Wl,-dynamic-linker,/lib64/ld-linux-x86-64.so.2
    run $t/nothing
    run $t/nothing "LD_PRELOAD=$t/l/liba.so"
}

preloads() {
    local t=$1
    lib $t/l/liba.so liba.so "libb.so" "$(runpath $t/l)"
    lib $t/l/libb.so libb.so ""
    program $t/p "libb.so" "$(rpath $t/l)"
    program $t/q "libb.so" "$(runpath $t/l)"
    for value in liba.so "$t/l/liba.so" "libb.so" "$t/l/libb.so" "libnone.so" "$t/none" "libnone.so liba.so" "$t/l/liba.so:$t/l/libb.so" \
        "$t/l/libb.so $t/l/liba.so" ":" "" '$ORIGIN/l/liba.so' "libc.so.6" "${t#/}/l/liba.so" "/t/damaged/l/text/libx.so" "/t/damaged/l/short/libx.so"; do
        run $t/p "LD_PRELOAD=$value"
        run $t/q "LD_PRELOAD=$value"
        run $t/q "LD_PRELOAD=$value" "LD_LIBRARY_PATH=$t/l"
    done
}

# damage DIRECTORY NAME COMMAND...: a library, changed by a command that gets its file
damage() {
    local file=$root$1/l/$2/libx.so t=$1 name=$2
    lib $t/l/$name/libx.so libx.so ""
    shift 2
    "$@" "$file"
    program $t/only-$name "libx.so" "$(runpath $t/l/$name)"
    program $t/first-$name "libx.so" "$(runpath $t/l/$name:$t/good)"
    program $t/path-$name "$t/l/$name/libx.so"
    program $t/deep-$name "libdeep-$name.so" "$(runpath $t/deep)"
    lib $t/deep/libdeep-$name.so libdeep-$name.so "libx.so" "$(runpath $t/l/$name:$t/good)"
}

cut_at() { truncate -s "$1" "$2"; }
poke() { byte "${!#}" "${@:1:$#-1}"; }
as_text() { echo 'INPUT(libm.so.6)' >"$1"; }
as_directory() { rm "$1" && mkdir "$1"; }
as_link() { rm "$2" && ln -s "$1" "$2"; }
as_object() { gcc -c -o "$1" "$work/empty.c"; }
as_program() { $cc "${@:1:$#-1}" -o "${!#}" "$work/main.c"; }
as_32() { gcc -m32 -shared -nostdlib -Wl,-soname,libx.so -o "$1" "$work/empty.c"; }
as_fifo() { rm "$1" && mknod "$1" c 1 3; }
without_mode() { chmod 0 "$1"; }
static() { gcc -static -o "$1" "$work/main.c"; }

damaged() {
    local t=$1 size
    lib $t/good/libx.so libx.so ""
    for size in 0 1 4 10 16 52 63 64 100 200 400 831 832 833 4096 5000; do damage $t "cut$size" cut_at "$size"; done
    mv "$root$t/l/cut10" "$root$t/l/short"
    ln -s short "$root$t/l/cut10"
    damage $t text as_text
    damage $t directory as_directory
    damage $t dangling as_link /nowhere/libx.so
    damage $t loop as_link libx.so
    damage $t link as_link ../../good/libx.so
    damage $t object as_object
    damage $t pie as_program
    damage $t exec as_program -no-pie
    damage $t static static
    damage $t mode without_mode
    damage $t device as_fifo
    damage $t class32 as_32
    damage $t class-byte poke 4 1
    damage $t class-none poke 4 0
    damage $t class-3 poke 4 3
    damage $t endian poke 5 2
    damage $t endian-none poke 5 0
    damage $t ei-version poke 6 0
    damage $t osabi-gnu poke 7 3
    damage $t osabi-freebsd poke 7 9
    damage $t abi-version poke 8 1
    damage $t abi-version-gnu poke 7 3 1
    damage $t abi-version-gnu-9 poke 7 3 9
    damage $t padding poke 10 1
    damage $t type-none poke 16 0
    damage $t type-exec poke 16 2
    damage $t type-core poke 16 4
    damage $t machine-386 poke 18 3
    damage $t machine-arm64 poke 18 183
    damage $t version poke 20 2
    damage $t phentsize poke 54 57
    damage $t phnum-0 poke 56 0
    damage $t phnum-many poke 56 200 0
    damage $t phoff poke 32 0 0 0 1
    damage $t magic poke 0 0x7e
}

versions() {
    local t=$1
    echo 'V1 { f1; }; V2 { f2; } V1; V3 { f3; } V2;' >"$work/new.map"
    echo 'V1 { f1; };' >"$work/old.map"
    echo 'void f1(void){} void f2(void){} void f3(void){}' >"$work/v.c"
    mkdir -p "$work/v" "$root$t/old" "$root$t/none" "$root$t/new"
    gcc -shared -nostdlib -fPIC -Wl,-soname,libv.so,--version-script,"$work/new.map" -o "$work/v/libv.so" "$work/v.c"
    cp "$work/v/libv.so" "$root$t/new/"
    gcc -shared -nostdlib -fPIC -Wl,-soname,libv.so,--version-script,"$work/old.map" -o "$root$t/old/libv.so" "$work/v.c"
    gcc -shared -nostdlib -fPIC -Wl,-soname,libv.so -o "$root$t/none/libv.so" "$work/v.c"
    echo 'void f1(void), f2(void), f3(void); void g(void) { f1(); f2(); f3(); }' >"$work/use.c"
    echo '#pragma weak f2
        #pragma weak f3
        void f1(void), f2(void), f3(void); void g(void) { f1(); if (f2) f2(); if (f3) f3(); }' >"$work/weak.c"
    for use in use weak; do
        gcc -shared -nostdlib -fPIC -Wl,-soname,lib$use.so,--no-as-needed -o "$root$t/lib$use.so" "$work/$use.c" "$work/v/libv.so"
        for old in old none new missing; do
            gcc -o "$root$t/$use-$old" "$work/main.c" "$work/$use.c" "$work/v/libv.so" -Wl,--no-as-needed "$(runpath $t/$old)" -Wl,-z,lazy
            run $t/$use-$old
            # Where it can be started nothing is called, and lazy binding does not look further.
            program $t/deep-$use-$old "lib$use.so" "$(rpath $t:$t/$old)"
        done
    done
    # A C library of the future, as far as a program that does nothing needs one.
    echo 'GLIBC_2.2.5 { __cxa_finalize; }; GLIBC_2.34 { __libc_start_main; }; GLIBC_2.99 { newer; };' >"$work/libc.map"
    echo 'void newer(void){} void __libc_start_main(void){} void __cxa_finalize(void){}' >"$work/libc.c"
    gcc -shared -nostdlib -fPIC -Wl,-soname,libc.so.6,--version-script,"$work/libc.map" -fno-builtin -o "$work/v/libc.so.6" "$work/libc.c"
    echo 'void newer(void); void g(void) { newer(); }' >"$work/newer.c"
    gcc -nodefaultlibs -o "$root$t/glibc-newer" "$work/main.c" "$work/newer.c" "$work/v/libc.so.6" -Wl,-z,lazy
    run $t/glibc-newer
    gcc -shared -nostdlib -fPIC -Wl,-soname,libnewer.so -o "$root$t/libnewer.so" "$work/newer.c" "$work/v/libc.so.6"
    program $t/library-newer "libnewer.so libnone.so" "$(runpath $t)"
    program $t/library-newer-only "libnewer.so" "$(runpath $t)"
}

# Where the loader looks in subdirectories for the processor, and in the cache.
defaults() {
    local t=$1 where name
    for where in /usr/lib /usr/lib/x86_64-linux-gnu /opt/conf $t/l; do
        for name in . glibc-hwcaps/x86-64-v2 glibc-hwcaps/x86-64-v3 glibc-hwcaps/x86-64-v4 glibc-hwcaps/x86-64-v5 \
            tls haswell x86_64 tls/x86_64 avx512_1 tls/haswell/x86_64 haswell/x86_64; do
            lib $where/$name/libh-${name//\//-}.so libh-${name//\//-}.so ""
            lib $where/$name/libh.so libh.so ""
            program $t/h-${name//\//-} "libh-${name//\//-}.so"
        done
    done
    echo /opt/conf >"$root/etc/ld.so.conf.d/opt.conf"
    for name in v2 v3 v4; do
        lib $t/only-$name/glibc-hwcaps/x86-64-$name/libh.so libh.so ""
        program $t/only-$name/p "libh.so" "$(rpath $t/only-$name)"
    done
    program $t/h "libh.so"
    program $t/h-runpath "libh.so" "$(runpath $t/l)"
    run $t/h "LD_LIBRARY_PATH=$t/l"
    lib /opt/conf/libconf.so libconf.so ""
    lib /usr/lib/libusr.so libusr.so ""
    lib /usr/lib/libusr-conf.so libusr-conf.so ""
    lib /opt/conf/libusr-conf.so libusr-conf.so ""
    lib /opt/conf/libnodef-own.so libnodef-own.so "libusr.so" -Wl,-z,nodefaultlib
    lib /usr/lib/libother-name.so.1.2 libother-name.so.1 ""
    for name in libconf.so libusr.so libusr-conf.so libother-name.so.1 libother-name.so.1.2; do
        program $t/$name "$name"
        program $t/nodef-$name "$name" -Wl,-z,nodefaultlib
    done
    program $t/nodef-own libnodef-own.so
    # The cache knows them, and then they are gone, or something else.
    for name in gone text class; do
        lib /opt/conf/lib$name.so lib$name.so ""
        program $t/$name "lib$name.so"
    done
    lib /opt/conf/libgone2.so libgone2.so ""
    program $t/gone2 "libgone2.so"
    lib /usr/lib/x86_64-linux-gnu/libgone2.so libnot-cached.so ""
}

stale() {
    rm "$root/opt/conf/libgone.so" "$root/opt/conf/libgone2.so"
    as_text "$root/opt/conf/libtext.so"
    as_32 "$root/opt/conf/libclass.so"
    lib /usr/lib/liblate.so liblate.so ""
    program /t/defaults/late "liblate.so"
    lib /opt/conf/liblate2.so liblate2.so ""
    program /t/defaults/late2 "liblate2.so"
}

second_word_size() {
    local t=$1 bits=32
    lib $t/l/liba.so liba.so ""
    lib $t/lib/liba.so liba.so ""
    lib $t/lib32/liba.so liba.so ""
    lib $t/lib/i386-linux-gnu/liba.so liba.so ""
    lib $t/i686/liba.so liba.so ""
    lib /opt/conf/libboth.so libboth.so ""
    lib /usr/lib32/libboth32.so libboth32.so ""
    for path in $t/l "$t/\$LIB" "$t/\$PLATFORM" /usr/lib/x86_64-linux-gnu; do
        program "$t/p$((n += 1))" "liba.so" "$(runpath "$path")"
    done
    program $t/both "libboth.so libboth32.so"
    bits=64
    lib /usr/lib/x86_64-linux-gnu/libboth32.so libboth32.so ""
    program $t/both64 "libboth.so libboth32.so"
}

# musl: where it looks by itself, and names that stand for it.
musl_defaults() {
    local t=$1 directory
    for directory in lib usr/local/lib usr/lib usr/lib/x86_64-linux-gnu usr/local/lib64 opt/lib; do
        lib /$directory/lib${directory//\//-}.so lib${directory//\//-}.so ""
        lib /$directory/libmany.so libmany.so ""
        program $t/${directory//\//-} "lib${directory//\//-}.so"
        run $t/${directory//\//-} LD_LIBRARY_PATH=/opt/lib
    done
    program $t/many libmany.so
    program $t/own "libc.so.6 libpthread.so.0 librt.so.1 libm.so.6 libdl.so.2 libutil.so.1 libxnet.so libcrypt.so.1"
    lib /usr/lib/libcrypt.so.1 libcrypt.so.1 "libc.so.6"
    # The same inode under two names, the name of the file counts and not the soname.
    lib /usr/lib/libfile.so.1 libother.so.1 ""
    ln -s libfile.so.1 "$root/usr/lib/libother.so.1"
    program $t/names "libfile.so.1 libother.so.1 /usr/lib/libfile.so.1"
    program $t/path-first "/usr/lib/libfile.so.1 libfile.so.1 libother.so.1"
}

start() {
    root=$1 n=0 bits=64
    work=$(mktemp -d)
    : >"$root.cases"
    : >"$work/empty.c"
    echo 'int main(void) { return 42; }' >"$work/main.c"
    echo 'void _start(void) { __asm__ volatile ("mov $60, %eax; mov $42, %edi; syscall"); }' >"$work/start.c"
    echo 'void _start(void) { __asm__ volatile ("mov $1, %eax; mov $42, %ebx; int $0x80"); }' >"$work/start32.c"
}

craft_musl() {
    cc=musl-gcc
    start "$1"
    for part in search_paths tokens names damaged preloads musl_defaults; do
        "$part" "/t/${part//_/-}"
    done
    rm -r "$work"
}

craft() {
    cc=gcc
    start "$1"
    for part in search_paths tokens names damaged preloads versions defaults second_word_size; do
        "$part" "/t/${part//_/-}"
    done
    in_root "$root" /sbin/ldconfig
    stale
    rm -r "$work"
}
