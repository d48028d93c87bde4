A host loses its power, and with it its power controller: nobody can confirm that it is off. The lease has to run out.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1

at 10s: fault host-power-loss h1; fault bmc-unreachable h1
run until quiet
expect web starts elsewhere after 129s; web starts elsewhere before 145s; web runs elsewhere
