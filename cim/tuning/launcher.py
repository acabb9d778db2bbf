"""`accelerate launch`, ended when the process that started it is: no rank is left behind."""

from accelerate.commands.launch import main

from cim.tuning.orphans import end_with_parent

if __name__ == "__main__":
    end_with_parent()
    main()
