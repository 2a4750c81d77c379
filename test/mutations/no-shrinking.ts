/** That a property fails is all that is asked of a planted bug; nobody reads the smallest example of it. */

import fc from 'fast-check';

fc.configureGlobal({ endOnFailure: true });
