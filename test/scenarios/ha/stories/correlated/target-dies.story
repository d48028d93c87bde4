The host on which a VM is being brought back dies too: it ends on a third one, with a yet newer epoch and its data whole.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1

at 2s: write web block 5 "twice unlucky"
at 10s: fault host-power-loss h1
10s after web starts elsewhere: fault host-power-loss the host of web
run until quiet
expect web runs elsewhere with a newer epoch; web block 5 reads "twice unlucky"
expect alarm host-dead on h1; alarm host-dead on h2; no other alarm
