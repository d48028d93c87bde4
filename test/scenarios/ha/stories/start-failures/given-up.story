A guest crashes at every boot, wherever it is started. When all tries that its cluster allows are used up it is given up
with reason and alarm, and its incident is closed. A stop and a start by hand bring it back.

cluster c1: 4 hosts of 16 cores and 64 GiB
set c1: localRestarts 0, relocations 1
vm web on h1

at 2s: write web block 1 "kept"
at 10s: fault host-power-loss h1
5s after web has started once: fault guest-crash web
5s after web has started twice: fault guest-crash web
60s after web is unknown: stop web
10s after web is stopped: start web
run until quiet
expect once alarm vm-recovery-failed on web; web runs with a newer epoch; web block 1 reads "kept"
expect incident of h1 closed; alarm host-dead on h1; no other alarm
