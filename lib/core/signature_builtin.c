// SPDX-License-Identifier: GPL-2.0-or-later
/* share/os.fp becomes part of the program: a fingerprint that depended on a
 * file being there would be missing on the day it matters.  The assembler takes
 * the file in as it is; the Makefile knows the dependency. */
#include <stdint.h>

extern const char signature_builtin_text[];
extern const uint32_t signature_builtin_size;

__asm__(".section .rodata\n"
	".global signature_builtin_text\n"
	".global signature_builtin_size\n"
	".type signature_builtin_text, @object\n"
	".type signature_builtin_size, @object\n"
	"signature_builtin_text:\n"
	".incbin \"share/os.fp\"\n"
	"signature_builtin_end:\n"
	".size signature_builtin_text, . - signature_builtin_text\n"
	".balign 4\n"
	"signature_builtin_size:\n"
	".long signature_builtin_end - signature_builtin_text\n"
	".size signature_builtin_size, 4\n"
	".previous\n");
