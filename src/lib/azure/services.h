/* Azure's services as http/call takes them, and the steps in which they are called (base/fault). */
#ifndef AZURE_SERVICES_H
#define AZURE_SERVICES_H

#include "base/fault.h"
#include "http/refusal.h"

extern const struct service SERVICE_IDENTITY[1]; /* managed identity: IMDS, App Service's endpoint */
extern const struct service SERVICE_ENTRA[1];    /* Microsoft Entra: workload identity */
extern const struct service SERVICE_CERTS[1];    /* platform certificates: THIM, Azure's and AMD's caches */
extern const struct service SERVICE_MAA[1];      /* Microsoft Azure Attestation */
extern const struct service SERVICE_VAULT[1];    /* Key Vault, Managed HSM */
extern const struct service SERVICE_STORAGE[1];  /* blob storage */

extern const struct step STEP_COLLATERAL[1];     /* security context, THIM, certificate cache */
extern const struct step STEP_ATTEST[1];         /* attestation request */
extern const struct step STEP_TOKEN_VERIFY[1];   /* checking the token that came back */
extern const struct step STEP_IDENTITY[1];       /* managed identity access token */
extern const struct step STEP_RELEASE[1];        /* release call of the vault */
extern const struct step STEP_RELEASE_VERIFY[1]; /* checking the release JWS */
extern const struct step STEP_UNWRAP[1];         /* OAEP, AES-KWP, PKCS#8 */
extern const struct step STEP_BLOB[1];           /* a request to blob storage */

#endif
