All hosts of the cluster lose power at once. The VMs wait; when one host is back it takes them.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x3 on h1, h2, h3

at 10s: fault host-power-loss all hosts
at 200s: heal host-power-loss h2; power-on h2
run until 600s
expect web run on h2 with a newer epoch; h2 online; alarm host-dead on h1; alarm host-dead on h3; no other alarm
