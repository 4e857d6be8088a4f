# shellcheck shell=bash
# What a scenario notes while it runs. chaos/report makes of it the four figures and the timeline. Sourced by lib.sh.
#
# One fact is one line of $work/facts: milliseconds since 1970, a kind, its fields, tabs between them. The library notes what it
# starts, checks and sees by itself; a scenario adds what only it knows: when its fault comes (fault_now), who else was hit
# (others_hit), whom of the load the fault had to hit (expect_hit), and a figure that cannot be derived (figure).

# note KIND FIELD...
note() {
    local fields
    printf -v fields '\t%s' "${@//[$'\t\n']/ }"
    echo "$((${EPOCHREALTIME/[.,]/} / 1000))$fields" >>"$work/facts"
}

# fault_now TEXT: from this moment on recovery is measured. kill_worker, kill_workers_every, poison and operate call it.
fault_now() { note fault "$*"; }

# fault_over TEXT: the fault that came last is no more; recovery is measured from here.
fault_over() { note over "$*"; }

# expect_hit N: so many clients of the load had to be hit; without it, none.
expect_hit() { note hit 0 "$1"; }

# others_hit N EXPECTED: so many clients that are not the load's were hit, and so many had to be.
others_hit() { note hit "$1" "$2"; }

# figure NAME VALUE [WHY]: a figure that chaos/report cannot derive: fault_times, first_good_ms, p99_back_ms, descriptors,
# processes, memory_kb. "none" is a value too, with its reason.
figure() { note figure "$@"; }

# figures_are_told: works the figures out of the facts, for run: figures.json, figures.yaml. 1 if one is lacking or is
# not what was expected; then it says so.
figures_are_told() { python3 -B -E -S chaos/report figures "$work"; }

# note_residue: what is more now than remember_state saw, all processes together.
note_residue() {
    local descriptors processes memory_kb
    read -r descriptors processes memory_kb < <(awk -F'\t' 'FNR == 1 { file++ }
        { n[file]++; descriptors[file] += $2; memory[file] += $3 }
        END { print descriptors[2] - descriptors[1], n[2] - n[1], memory[2] - memory[1] }' "$work/state.before" "$work/state.after")
    note residue "$descriptors" "$processes" "$memory_kb"
}
