/* SPDX-License-Identifier: MIT */
/*
 * Looking into a VM. Nothing here changes it but `set`. It may run meanwhile: commands
 * run between its turns.
 */
#include "vmm/cmd/see_commands.h"

#include "emu/dbg/dbg_address.h"
#include "emu/dbg/dbg_disas.h"
#include "emu/dbg/dbg_dmesg.h"
#include "emu/dbg/dbg_examine.h"
#include "emu/dbg/dbg_expr.h"
#include "emu/dbg/dbg_regs.h"
#include "emu/dbg/dbg_tables.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "vmm/cmd/debug_args.h"
#include "vmm/cmd/vm_commands.h"
#include "vmm/state/vm.h"
#include "vmm/vm/vm_point.h"
#include "vmm/vm/vm_symbols.h"

#define DISAS_DEFAULT  16u
#define FRAMES_DEFAULT 32u
#define TABLE_DEFAULT  32u
#define LINES_MAX      8192u
#define SYMBOLS_SHOWN  100u

static void line(void *ctx, const char *text)
{
	(void)ctx;
	console_print("%s\n", text);
}

const struct dbg_out console_lines = { .line = line };

static int cmd_regs(int argc, char **argv)
{
	struct vm *vm = vm_arg(argc, argv, 1);

	if (!vm)
		return E_NOENT;
	dbg_print_regs(&vm->vcpu->cpu, &console_lines);
	return 0;
}

static int cmd_set(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	const char *why;
	u32 value;
	int err;

	if (!vm)
		return E_NOENT;
	if (argc != 3)
		return debug_usage("set [NAME] REGISTER VALUE");
	if (vm->state == VM_RUNNING)
		return debug_must_stand(vm);
	err = debug_address(vm, argv[2], &value);
	if (err)
		return err;
	why = dbg_register_set(&vm->vcpu->cpu, argv[1][0] == '$' ? argv[1] + 1 : argv[1], value);
	if (!why)
		return 0;
	console_print("%s = %s: %s\n", argv[1], argv[2], why);
	return E_INVAL;
}

static int examine(int argc, char **argv, bool physical)
{
	const char *slash = strchr(argv[0], '/'), *why;
	struct dbg_format format;
	struct vm *vm;
	u32 address;
	int err;

	why = dbg_parse_format(slash ? slash : "", &format);
	if (why) {
		console_print("%s: %s\n", argv[0], why);
		return E_INVAL;
	}
	vm = vm_take(&argc, &argv);
	if (!vm)
		return E_NOENT;
	if (argc != 2)
		return debug_usage(physical ? "xp[/FORMAT] [NAME] ADDRESS"
					    : "x[/FORMAT] [NAME] ADDRESS");
	err = debug_address(vm, argv[1], &address);
	if (!err)
		dbg_examine(&vm->vcpu->cpu, address, physical, &format, &console_lines);
	return err;
}

static int cmd_x(int argc, char **argv)
{
	return examine(argc, argv, false);
}

static int cmd_xp(int argc, char **argv)
{
	return examine(argc, argv, true);
}

static int cmd_disas(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	struct cpu *c = vm ? &vm->vcpu->cpu : NULL;
	u32 address, n = DISAS_DEFAULT;
	int err = 0;

	if (!vm)
		return E_NOENT;
	if (argc > 3)
		return debug_usage("disas [NAME] [ADDRESS [N]]");
	address = c->seg[SEG_CS].base + c->eip;
	if (argc > 1)
		err = debug_address(vm, argv[1], &address);
	if (!err && argc > 2)
		err = debug_number(argv[2], LINES_MAX, &n);
	if (!err)
		dbg_disassemble(c, address, dbg_code_bits(c), n, &console_lines);
	return err;
}

/* gdt, ldt, idt [NAME] [FIRST [N]] */
static int table(int argc, char **argv,
		 void (*print)(struct cpu *cpu, unsigned first, unsigned n,
			       const struct dbg_out *out))
{
	u32 first = 0, n = TABLE_DEFAULT;
	struct vm *vm = vm_take(&argc, &argv);
	int err = 0;

	if (!vm)
		return E_NOENT;
	if (argc > 3) {
		console_print("%s [NAME] [FIRST [N]]\n", argv[0]);
		return E_INVAL;
	}
	if (argc > 1)
		err = debug_number(argv[1], LINES_MAX - 1, &first);
	if (!err && argc > 2)
		err = debug_number(argv[2], LINES_MAX, &n);
	if (!err)
		print(&vm->vcpu->cpu, first, n, &console_lines);
	return err;
}

static int cmd_gdt(int argc, char **argv)
{
	return table(argc, argv, dbg_print_gdt);
}

static int cmd_ldt(int argc, char **argv)
{
	return table(argc, argv, dbg_print_ldt);
}

static int cmd_idt(int argc, char **argv)
{
	return table(argc, argv, dbg_print_idt);
}

static int cmd_tss(int argc, char **argv)
{
	struct vm *vm = vm_arg(argc, argv, 1);

	if (!vm)
		return E_NOENT;
	dbg_print_tss(&vm->vcpu->cpu, &console_lines);
	return 0;
}

static void print_shadow(const struct vm *vm, gla_t gla)
{
	struct dbg_line l = { .len = 0 };
	u64 pde, pte;

	shadow_look(vm->vcpu->shadow, gla, &pde, &pte);
	dbg_add(&l, "shadow  pde ");
	dbg_add_pte(&l, pde);
	dbg_add(&l, "  pte ");
	dbg_add_pte(&l, pte);
	dbg_end(&l, &console_lines);
}

static int cmd_pt(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	u32 address;
	int err;

	if (!vm)
		return E_NOENT;
	if (argc != 2)
		return debug_usage("pt [NAME] ADDRESS");
	err = debug_address(vm, argv[1], &address);
	if (err)
		return err;
	dbg_print_walk(&vm->vcpu->cpu, address, &console_lines);
	print_shadow(vm, address);
	return 0;
}

static int cmd_backtrace(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	u32 n = FRAMES_DEFAULT;
	int err = 0;

	if (!vm)
		return E_NOENT;
	if (argc > 2)
		return debug_usage("backtrace [NAME] [N]");
	if (argc > 1)
		err = debug_number(argv[1], LINES_MAX, &n);
	if (!err)
		dbg_print_frames(&vm->vcpu->cpu, n, &console_lines);
	return err;
}

static const struct dbg_symbols *symbols_of(struct vm *vm)
{
	const char *why = vm_symbols_seek(vm);

	if (why)
		console_print("%s has no symbols: %s; symbols = FILE\n", vm->config.name, why);
	return vm->vcpu->cpu.stops.symbols;
}

static int cmd_dmesg(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	const char *why;
	u32 n = LINES_MAX;

	if (!vm)
		return E_NOENT;
	if (argc > 2)
		return debug_usage("dmesg [NAME] [N]");
	if (argc > 1 && debug_number(argv[1], LINES_MAX, &n))
		return E_INVAL;
	why = dbg_print_dmesg(&vm->vcpu->cpu, vm->vcpu->cpu.stops.symbols, n, &console_lines);
	if (why)
		console_print("%s: %s\n", vm->config.name, why);
	return why ? E_NOENT : 0;
}

/* The VM's symbols that contain a word; or how many it has. */
static int cmd_symbols(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	const struct dbg_symbols *s;
	u32 found;

	if (!vm)
		return E_NOENT;
	if (argc > 2)
		return debug_usage("symbols [NAME] [WORD]");
	s = symbols_of(vm);
	if (!s)
		return E_NOENT;
	if (argc < 2) {
		console_print("%u symbols of %s\n", s->count,
			      s->own_text ? "the guest's own" : vm->config.symbols);
		return 0;
	}
	found = dbg_print_symbols(s, argv[1], SYMBOLS_SHOWN, &console_lines);
	if (found > SYMBOLS_SHOWN)
		console_print("and %u more\n", found - SYMBOLS_SHOWN);
	return found ? 0 : E_NOENT;
}

/* An expression as those of conditions are, and of several words as well. */
static int cmd_print(int argc, char **argv)
{
	struct vm *vm = vm_take(&argc, &argv);
	char text[VM_CONDITION];
	struct dbg_expr e;
	const char *why;
	u32 value = 0;

	if (!vm)
		return E_NOENT;
	if (argc < 2)
		return debug_usage("print [NAME] EXPRESSION");
	if (debug_words(argc, argv, 1, text, sizeof(text)))
		return E_INVAL;
	why = dbg_expr_compile(&vm->vcpu->cpu, text, &e);
	if (why && !vm->vcpu->cpu.stops.symbols && !vm_symbols_seek(vm))
		why = dbg_expr_compile(&vm->vcpu->cpu, text, &e);
	if (!why && !dbg_expr_value(&vm->vcpu->cpu, &e, &value))
		why = "memory that is not there, or a division by 0";
	if (why) {
		console_print("%s: %s\n", text, why);
		return E_INVAL;
	}
	console_print("%08x  %u\n", value, value);
	return 0;
}

static struct shell_command commands[] = {
	{ .name = "print",
	  .args = "[NAME] EXPRESSION",
	  .help = "the value of an expression",
	  .examples = "    print [ebp+8] & 0xfff\n    print eax == 5 && byte[esi]\n",
	  .run = cmd_print,
	  .crash = true,
	  .complete = vm_complete_names },
	{ .name = "symbols",
	  .args = "[NAME] [WORD]",
	  .help = "a VM's symbols that contain a word",
	  .examples = "    symbols schedul  names that contain a word\n",
	  .run = cmd_symbols,
	  .crash = true,
	  .complete = vm_complete_names },
	{ .name = "dmesg",
	  .args = "[NAME] [N]",
	  .help = "the last N records of a Linux's log, from its memory",
	  .examples = "    dmesg 20         the last twenty records\n",
	  .run = cmd_dmesg,
	  .complete = vm_complete },
	{ .name = "regs",
	  .args = "[NAME]",
	  .help = "a VM's registers",
	  .examples = "    regs debian\n",
	  .run = cmd_regs,
	  .crash = true,
	  .complete = vm_complete },
	{ .name = "set",
	  .args = "[NAME] REGISTER VALUE",
	  .help = "give a register of a paused VM a value",
	  .examples = "    set eax 0x10     while the VM is paused\n",
	  .run = cmd_set,
	  .complete = vm_complete_names },
	{ .name = "x",
	  .args = "[/FORMAT] [NAME] ADDRESS",
	  .help = "memory at a linear address: x/16d, x/8i, x/s; units b w d q s i",
	  .slash = true,
	  .examples = "    x/8i eip         code from EIP on\n"
		      "    x/16d esp        the stack, in dwords\n"
		      "    x/s [ebp+8]      a text\n",
	  .run = cmd_x,
	  .crash = true,
	  .complete = vm_complete_names },
	{ .name = "xp",
	  .args = "[/FORMAT] [NAME] ADDRESS",
	  .help = "memory at a physical address",
	  .slash = true,
	  .examples = "    xp/4q 0x1000     page tables\n",
	  .run = cmd_xp,
	  .crash = true,
	  .complete = vm_complete_names },
	{ .name = "disas",
	  .args = "[NAME] [ADDRESS [N]]",
	  .help = "code at CS:EIP, or at an address",
	  .examples = "    disas            16 instructions at CS:EIP\n"
		      "    disas 0x7c00 5\n",
	  .run = cmd_disas,
	  .crash = true,
	  .complete = vm_complete_names },
	{ .name = "gdt",
	  .args = "[NAME] [FIRST [N]]",
	  .help = "a VM's global descriptors",
	  .examples = "    gdt 2 1          descriptor 2 alone\n",
	  .run = cmd_gdt,
	  .crash = true,
	  .complete = vm_complete },
	{ .name = "ldt",
	  .args = "[NAME] [FIRST [N]]",
	  .help = "a VM's local descriptors",
	  .examples = "    ldt 0 4\n",
	  .run = cmd_ldt,
	  .crash = true,
	  .complete = vm_complete },
	{ .name = "idt",
	  .args = "[NAME] [FIRST [N]]",
	  .help = "a VM's interrupt gates, or vectors",
	  .examples = "    idt 14 1         the gate of page faults\n",
	  .run = cmd_idt,
	  .crash = true,
	  .complete = vm_complete },
	{ .name = "tss",
	  .args = "[NAME]",
	  .help = "a VM's task state",
	  .examples = "    tss debian\n",
	  .run = cmd_tss,
	  .crash = true,
	  .complete = vm_complete },
	{ .name = "pt",
	  .args = "[NAME] ADDRESS",
	  .help = "the guest's and the shadow page tables of an address",
	  .examples = "    pt cs:eip        the pages that code runs on\n",
	  .run = cmd_pt,
	  .crash = true,
	  .complete = vm_complete_names },
	{ .name = "backtrace",
	  .args = "[NAME] [N]",
	  .help = "frames by the chain of EBP",
	  .examples = "    backtrace 10\n",
	  .run = cmd_backtrace,
	  .crash = true,
	  .complete = vm_complete },
};

void see_commands_init(void)
{
	shell_register_topic("see", commands, ARRAY_SIZE(commands));
}
